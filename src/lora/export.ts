/**
 * Adapter → files: MLX's (adapters.safetensors, lora_a [in, r], lora_b [r, out]) and PEFT's (adapter_model.safetensors,
 * lora_A.weight [r, in], lora_B.weight [out, r]); DoRA's magnitudes [out] are .m and lora_magnitude_vector. Always F32. Nothing broken is written: shapes are checked and a single
 * value that is not finite refuses the export.
 */

import { modelError, Problems } from "../core/errors.ts";
import type { JsonValue } from "../core/json.ts";
import type { AdapterConfigParts } from "../formats/adapter-config.ts";
import { writeMlxAdapterConfig } from "../formats/mlx-config.ts";
import { writePeftAdapterConfig } from "../formats/peft-config.ts";
import { type TensorData, writeSafetensors } from "../formats/safetensors.ts";
import { type Adapter, checkFactors, firstNonFinite, isDora, splitModule, transpose } from "./adapter.ts";
import { adapterNumbers, leafName } from "./patterns.ts";
import { uniformAdapter } from "./uniform.ts";

export interface AdapterFile {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The folder mlx-lm, mlx-swift, mlx-vlm and Ollama load.
 * They know one rank and one scale: where layers differ, `uniformAdapter` says what becomes of it.
 * `num_layers` counts blocks from the last, so `adapter.num_hidden_layers` must be set when the last block is not adapted.
 * @param extras further keys of adapter_config.json, information only (learning_rate, iters, seed, …).
 * @throws ModelError for values that are not finite, ShapeError for factors of another shape.
 */
export function exportMlx(given: Adapter, extras: Readonly<Record<string, JsonValue>> = {}): AdapterFile[] {
  checkExportable(given);
  const { adapter } = uniformAdapter(given);
  const prefix = adapter.in_language_model ? "language_model." : "";
  const tensors = adapter.factors.flatMap(({ module, in_features, out_features, rank, A, B, magnitude }) => [
    tensor(`${prefix}${module}.lora_a`, [in_features, rank], transpose(A, rank, in_features)),
    tensor(`${prefix}${module}.lora_b`, [rank, out_features], transpose(B, out_features, rank)),
    ...(magnitude ? [tensor(`${prefix}${module}.m`, [out_features], new Float32Array(magnitude))] : []),
  ]);
  const keys = [...new Set(adapter.factors.map(({ module }) => splitModule(module).key))].sort();
  const config = writeMlxAdapterConfig({ ...configParts(adapter), keys, num_layers: tailBlocks(adapter) }, extras);
  return files("adapters.safetensors", tensors, "mlx", config);
}

/**
 * The folder PEFT loads.
 * @throws ModelError for values that are not finite, ShapeError for factors of another shape.
 */
export function exportPeft(adapter: Adapter): AdapterFile[] {
  checkExportable(adapter);
  const tensors = adapter.factors.flatMap(({ module, in_features, out_features, rank, A, B, magnitude: m }) => {
    const path = peftPath(adapter, module);
    const name = `base_model.model.${path}.lora_`;
    return [
      tensor(`${name}A.weight`, [rank, in_features], new Float32Array(A)),
      tensor(`${name}B.weight`, [out_features, rank], new Float32Array(B)),
      ...(m ? [tensor(`${name}magnitude_vector`, [out_features], new Float32Array(m))] : []),
    ];
  });
  const numbers = adapterNumbers(adapter, { name: (module) => peftPath(adapter, module) });
  const config = writePeftAdapterConfig({ ...configParts(adapter), ...peftTargets(adapter), ...numbers });
  return files("adapter_model.safetensors", tensors, "pt", config);
}

function files(path: string, tensors: TensorData[], format: string, config: string): AdapterFile[] {
  return [
    { path, bytes: writeSafetensors(tensors, { format }) },
    { path: "adapter_config.json", bytes: new TextEncoder().encode(config) },
  ];
}

function tensor(name: string, shape: number[], values: Float32Array<ArrayBuffer>): TensorData {
  return { name, dtype: "F32", shape, bytes: new Uint8Array(values.buffer) };
}

/** Throws for an adapter without layers, of impossible shapes, or with values that are not finite. */
export function checkExportable(adapter: Adapter): void {
  if (adapter.factors.length === 0) throw modelError("adapter: expected at least one adapted linear, got none");
  checkFactors(adapter);
  const problems = new Problems();
  for (const factor of adapter.factors) {
    const { module, A, B, magnitude = new Float32Array(0) } = factor;
    for (const [name, values] of Object.entries({ A, B, magnitude_vector: magnitude })) {
      const index = firstNonFinite(values);
      if (index >= 0) problems.add(`${module}.lora_${name}[${index}]: expected a number, got ${values[index]}`);
    }
  }
  problems.throwIfAny("model", "adapter to write", "The training diverged; go back to an earlier checkpoint.");
}

function configParts({ rank, scale, dropout, base_model, factors }: Adapter): AdapterConfigParts {
  const target_modules = [...new Set(factors.map(({ module }) => leafName(module)))].sort();
  return {
    rank,
    scale,
    dropout,
    use_dora: isDora({ factors }),
    target_modules,
    ...(base_model === undefined ? {} : { base_model }),
  };
}

/** MLX adapts the last n blocks: n reaches from the lowest adapted block to the end. */
function tailBlocks(adapter: Adapter): number {
  const blocks = adaptedBlocks(adapter);
  if (blocks.length === 0) return 0;
  return (adapter.num_hidden_layers ?? blocks.at(-1)! + 1) - blocks[0]!;
}

function adaptedBlocks({ factors }: Adapter): number[] {
  const blocks = factors.flatMap(({ module }) => splitModule(module).block ?? []);
  return [...new Set(blocks)].sort((a, b) => a - b);
}

/**
 * PEFT adapts every module whose path ends in a target, within `layers_to_transform`. Leaf names say that briefly when
 * each adapted block has the same modules; otherwise each path is its own target.
 */
function peftTargets(adapter: Adapter): Pick<AdapterConfigParts, "target_modules"> & {
  layers_to_transform: number[] | null;
} {
  const { target_modules } = configParts(adapter);
  const blocks = adaptedBlocks(adapter);
  const pairs = adapter.factors.map(({ module }) => `${splitModule(module).block} ${leafName(module)}`);
  const complete = new Set(pairs).size === pairs.length && pairs.length === blocks.length * target_modules.length;
  if (!complete || pairs.some((pair) => pair.startsWith("null"))) {
    return {
      target_modules: adapter.factors.map(({ module }) => peftPath(adapter, module)),
      layers_to_transform: null,
    };
  }
  const all = blocks.at(-1) === blocks.length - 1 && (adapter.num_hidden_layers ?? blocks.length) === blocks.length;
  return { target_modules, layers_to_transform: all ? null : blocks };
}

/** transformers keeps the text half of a multimodal model at model.language_model. */
function peftPath({ in_language_model }: Adapter, module: string): string {
  return in_language_model ? module.replace(/^model\./, "model.language_model.") : module;
}
