/**
 * Adapter → the file llama.cpp and Ollama load: A [r, in] and B [out, r] under the base tensors' names, and one alpha, which
 * llama.cpp divides by the rank of each tensor.
 */

import { toFloat32 } from "../core/dtype.ts";
import { modelError, Problems } from "../core/errors.ts";
import { roundToBytes } from "../core/float-bytes.ts";
import { wholeIfClose } from "../formats/adapter-config.ts";
import { type GgufEntry, type GgufTensorData, writeGguf } from "../formats/gguf.ts";
import type { GgufBase } from "../formats/gguf-base.ts";
import { type Adapter, type AdapterFactor, firstNonFinite, isDora, scaleOf } from "./adapter.ts";
import { type AdapterFile, checkExportable } from "./export.ts";
import { ggufName, headsOf, interleaveRows, isReordered } from "./gguf-names.ts";
import { commonScale, folded, isClose, withScales } from "./uniform.ts";

export const GGUF_FILE = "adapter.gguf";

/** llama.cpp's numbers of the two forms, general.file_type. */
const FILE_TYPES = { F32: 0, F16: 1 } as const;
export type GgufDtype = keyof typeof FILE_TYPES;

export interface GgufExport {
  readonly file: AdapterFile;
  /** What a reader finds in it. */
  readonly adapter: Adapter;
  /** Where layers differ in strength, what became of it. */
  readonly notes: readonly string[];
}

/**
 * One file for models of this architecture.
 * @throws ModelError for DoRA, and listing every module that the architecture has no tensor for, and values that are not finite, or are
 * too large for F16.
 */
export function exportGguf(adapter: Adapter, base: GgufBase, dtype: GgufDtype = "F32"): GgufExport {
  checkExportable(adapter);
  if (isDora(adapter)) {
    throw modelError(
      "the adapter is DoRA's: GGUF holds A and B alone, and without its magnitudes llama.cpp would compute something else",
      "Merge it into its base instead: lorikeet fuse.",
    );
  }
  checkModules(adapter, base);
  const { alpha, scaled } = commonAlpha(adapter);
  // llama.cpp's factor is alpha / rank; what a layer has besides goes into its B.
  const factors = adapter.factors.map((factor) =>
    rounded(folded(factor, (scaleOf(adapter, factor) * factor.rank) / alpha), dtype),
  );
  const tensors = factors.flatMap((factor) => {
    const name = ggufName(factor.module, base.architecture)!;
    const { rank, in_features, out_features, A, B } = factor;
    const rows = isReordered(factor.module, base.architecture)
      ? interleaveRows(B, rank, headsOf(factor.module, out_features, base))
      : B;
    return [
      tensor(`${name}.lora_a`, [rank, in_features], A, dtype),
      tensor(`${name}.lora_b`, [out_features, rank], rows, dtype),
    ];
  });
  return {
    file: { path: GGUF_FILE, bytes: writeGguf(entries(adapter, base, alpha, dtype), tensors) },
    adapter: {
      ...adapter,
      ...withScales(
        factors.map((factor) => ({ factor, scale: alpha / factor.rank })),
        1,
      ),
    },
    notes: scaled === 0 ? [] : [foldedNote(scaled, alpha)],
  };
}

const foldedNote = (count: number, alpha: number) =>
  count === 1
    ? `1 layer differs in alpha from ${alpha}: the difference went into its B`
    : `${count} layers differ in alpha from ${alpha}: the difference went into their B`;

/** The alpha of most layers; a file of alpha 0 would be taken at full strength. */
function commonAlpha(adapter: Adapter): { alpha: number; scaled: number } {
  const alphas = adapter.factors.map((factor) => ({ ...factor, scale: scaleOf(adapter, factor) * factor.rank }));
  const common = wholeIfClose(commonScale({ scale: adapter.scale * adapter.rank, factors: alphas }));
  const alpha = common === 0 ? adapter.rank : common;
  return { alpha, scaled: alphas.filter(({ scale }) => !isClose(scale, alpha)).length };
}

function entries(adapter: Adapter, base: GgufBase, alpha: number, dtype: GgufDtype): GgufEntry[] {
  const { base_model } = adapter;
  return [
    { key: "general.architecture", type: "string", value: base.architecture },
    { key: "general.type", type: "string", value: "adapter" },
    { key: "general.file_type", type: "u32", value: FILE_TYPES[dtype] },
    ...(base_model === undefined
      ? []
      : ([
          { key: "general.base_model.count", type: "u32", value: 1 },
          { key: "general.base_model.0.name", type: "string", value: base_model },
        ] as const)),
    { key: "adapter.type", type: "string", value: "lora" },
    { key: "adapter.lora.alpha", type: "f32", value: alpha },
  ];
}

function tensor(name: string, shape: number[], values: Float32Array, dtype: GgufDtype): GgufTensorData {
  return { name, dtype, shape, bytes: roundToBytes(new Float64Array(values), dtype) };
}

/** The factor as `dtype` holds it. */
function rounded(factor: AdapterFactor, dtype: GgufDtype): AdapterFactor {
  const [A, B] = (["A", "B"] as const).map((side) => {
    const values = toFloat32(roundToBytes(new Float64Array(factor[side]), dtype), dtype);
    const index = firstNonFinite(values);
    if (index < 0) return values;
    throw modelError(
      `${factor.module}.lora_${side}[${index}]: ${factor[side][index]} is too large for ${dtype}`,
      "Write it as F32.",
    );
  }) as [Float32Array, Float32Array];
  return { ...factor, A, B };
}

/** Every module must have its tensor in llama.cpp, and no two the same. */
function checkModules({ factors }: Adapter, base: GgufBase): void {
  const problems = new Problems();
  for (const { module } of factors) {
    if (ggufName(module, base.architecture) === null) {
      problems.add(`${module}: llama.cpp's ${base.architecture} has no tensor for it`);
    } else if (module === "lm_head" && base.tie_word_embeddings) {
      problems.add("lm_head: the model has it in common with its embedding, and llama.cpp no tensor of its own for it");
    } else if (blockOf(module) >= base.num_hidden_layers) {
      problems.add(`${module}: the model has blocks 0 to ${base.num_hidden_layers - 1}`);
    }
  }
  problems.throwIfAny(
    "model",
    `adapter to write for ${base.architecture}`,
    "Check that this is the model it was trained on.",
  );
}

const blockOf = (module: string) => Number(/\.layers\.(\d+)\./.exec(module)?.[1] ?? -1);
