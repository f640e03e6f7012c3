/**
 * A folder of MLX's layout or PEFT's → adapter. The tensors' names decide which one it is and which modules are adapted;
 * adapter_config.json gives ranks and scales. Every fault of the tensor file is reported together.
 */

import { type ModelSource, memorySource, readJson } from "../core/bytes.ts";
import { toFloat32 } from "../core/dtype.ts";
import { modelError, Problems } from "../core/errors.ts";
import { isFloatDtype } from "../core/float-bytes.ts";
import { type AdapterConfig, wholeIfClose } from "../formats/adapter-config.ts";
import { parseMlxAdapterConfig } from "../formats/mlx-config.ts";
import { parsePeftAdapterConfig, peftScale } from "../formats/peft-config.ts";
import { openSafetensors, type SafetensorsFile, type TensorInfo } from "../formats/safetensors.ts";
import {
  type Adapter,
  type AdapterFactor,
  compareModules,
  firstNonFinite,
  type LinearShape,
  splitModule,
  transpose,
} from "./adapter.ts";
import { type LayerScale, withScales } from "./uniform.ts";

interface Layout {
  readonly label: "MLX" | "PEFT";
  /** The leaves behind a module's path; m: DoRA's magnitudes. */
  readonly leaf: { readonly A: string; readonly B: string; readonly m: string };
  /** Prefix of every name, dropped. */
  readonly prefix: string;
  /** MLX stores both factors the other way round. */
  readonly transposed: boolean;
  readonly parseConfig: (json: unknown, where: string) => LayeredConfig;
}

interface LayerNumbers {
  readonly rank: number;
  readonly scale: number;
}

interface LayeredConfig {
  readonly config: AdapterConfig;
  /** Of a module, by its path as written. null: the tool that wrote the file would not adapt it. */
  readonly numbersOf: (path: string) => LayerNumbers | null;
}

const MLX: Layout = {
  label: "MLX",
  leaf: { A: ".lora_a", B: ".lora_b", m: ".m" },
  prefix: "",
  transposed: true,
  parseConfig(json, where) {
    const config = parseMlxAdapterConfig(json, where);
    return { config, numbersOf: () => config };
  },
};
const PEFT: Layout = {
  label: "PEFT",
  leaf: { A: ".lora_A.weight", B: ".lora_B.weight", m: ".lora_magnitude_vector" },
  prefix: "base_model.model.",
  transposed: false,
  parseConfig(json, where) {
    const { layers, ...config } = parsePeftAdapterConfig(json, where);
    const numbersOf = (path: string) => {
      const { rank, alpha } = layers.numbersOf(path);
      return layers.adapts(path) ? { rank, scale: peftScale(alpha, rank, config.use_rslora) } : null;
    };
    return { config, numbersOf };
  },
};

export const TENSOR_FILES = ["adapters.safetensors", "adapter_model.safetensors"];
const CONFIG_FILE = "adapter_config.json";

/** The tensors that make up one module's factors. */
interface Pair {
  A?: TensorInfo;
  B?: TensorInfo;
  m?: TensorInfo;
}

/**
 * Reads an adapter folder of either layout into f32 factors.
 * @param evenBroken also with values that are not finite, for those who want to look at them.
 * @throws FormatError or ModelError listing every incomplete pair, wrong rank, wrong shape and value that is not finite.
 */
export async function importSafetensors(source: ModelSource, evenBroken: boolean): Promise<Adapter> {
  const file = await openTensorFile(source);
  const layout = [...file.tensors.keys()].some((name) => /\.lora_[ab]$/.test(name)) ? MLX : PEFT;
  const json = await readJson(source, CONFIG_FILE);
  if (json === undefined) {
    throw modelError(
      `${source.label}: expected ${CONFIG_FILE} beside the tensors, found none`,
      "It holds the adapter's scale, which cannot be guessed; copy it from where the adapter was trained.",
    );
  }
  const { config, numbersOf } = layout.parseConfig(json, `${source.label}/${CONFIG_FILE}`);
  const problems = new Problems();
  const pairs = pairTensors(file, layout, problems);
  const layers: LayerScale[] = [];
  for (const [path, pair] of pairs) {
    const numbers = numbersOf(path);
    if (numbers === null) {
      problems.add(`${path}: ${CONFIG_FILE} does not choose this module, so ${layout.label} would ignore its tensors`);
      continue;
    }
    const factor = await readFactor(file, layout, path, pair, { ...config, rank: numbers.rank, evenBroken }, problems);
    if (factor === null) continue;
    if (layers.some((layer) => layer.factor.module === factor.module)) {
      problems.add(`${path}: expected once, found twice`);
    }
    layers.push({ factor, scale: numbers.scale });
  }
  problems.throwIfAny(
    "format",
    `${file.name} (${layout.label} layout)`,
    "Only plain LoRA and DoRA on linear layers can be read.",
  );
  layers.sort((a, b) => compareModules(a.factor.module, b.factor.module));
  const scaled = withScales(layers, config.scale);
  // As written where one strength holds for all, so that a whole alpha stays whole.
  const plain = scaled.rank === config.rank && scaled.scale === config.scale;
  const alpha = plain ? config.alpha : wholeIfClose(scaled.scale * scaled.rank);
  const { use_dora: _, ...numbers } = config;
  const use_rslora = plain && config.use_rslora;
  return { ...numbers, ...scaled, alpha, use_rslora, ...originOf(layout, [...pairs.keys()], scaled.factors) };
}

async function openTensorFile(source: ModelSource): Promise<SafetensorsFile> {
  const found = (await Promise.all(TENSOR_FILES.map((path) => source.open(path)))).filter((file) => file !== null);
  // Hundreds of small tensors: one read of the whole file is one request instead of hundreds.
  if (found.length === 1) return openSafetensors(memorySource(found[0]!.name, await found[0]!.read(0, found[0]!.size)));
  if (found.length > 1) {
    throw modelError(
      `${source.label}: expected one of ${TENSOR_FILES.join(" and ")}, found both`,
      `They are two adapters, and ${CONFIG_FILE} describes only one; keep one in this folder.`,
    );
  }
  const files = await source.list();
  throw modelError(
    `${source.label}: expected ${TENSOR_FILES.join(", ")} or a .gguf file, found ${files.slice(0, 12).join(", ") || "no files"}`,
    files.includes("adapter_model.bin")
      ? "adapter_model.bin cannot be read here; save the adapter again with safe_serialization=True."
      : "Choose the folder that holds the adapter.",
  );
}

/** Groups tensors by module path as written; notes names that are no LoRA factor. */
function pairTensors(file: SafetensorsFile, layout: Layout, problems: Problems): Map<string, Pair> {
  const pairs = new Map<string, Pair>();
  for (const info of file.tensors.values()) {
    const side = (["A", "B", "m"] as const).find((one) => info.name.endsWith(layout.leaf[one]));
    if (side === undefined || !info.name.startsWith(layout.prefix)) {
      problems.add(
        `tensor "${info.name}": expected ${layout.prefix}…${layout.leaf.A} or ${layout.leaf.B}${guess(info.name)}`,
      );
      continue;
    }
    const path = info.name.slice(layout.prefix.length, -layout.leaf[side].length);
    const pair = pairs.get(path) ?? {};
    pair[side] = info;
    pairs.set(path, pair);
  }
  if (file.tensors.size === 0) problems.add("expected lora tensors, found none");
  return pairs;
}

function guess(name: string): string {
  if (name.includes("lora_embedding")) return " (adapted embeddings are not supported)";
  if (/\.switch_mlp\.|\.experts\./.test(name)) return " (adapted experts are not supported)";
  if (name.endsWith(".bias")) return " (trained biases are not supported)";
  if (/lora_[abAB]/.test(name)) return " (it has another layout than the rest)";
  return "";
}

async function readFactor(
  file: SafetensorsFile,
  layout: Layout,
  path: string,
  { A, B, m }: Pair,
  { rank, use_dora, evenBroken }: Pick<AdapterConfig, "rank" | "use_dora"> & { readonly evenBroken: boolean },
  problems: Problems,
): Promise<AdapterFactor | null> {
  if (A === undefined || B === undefined) {
    const [found, missing] = A === undefined ? [layout.leaf.B, layout.leaf.A] : [layout.leaf.A, layout.leaf.B];
    problems.add(`${path}: expected a pair, found ${found} without ${missing}`);
    return null;
  }
  if ((m !== undefined) !== use_dora) {
    const [wanted, found] = use_dora ? ["magnitudes", "none"] : ["no magnitudes", layout.leaf.m];
    problems.add(
      `${path}: expected ${wanted}, as ${CONFIG_FILE} says that this is ${use_dora ? "DoRA" : "LoRA"}, found ${found}`,
    );
    return null;
  }
  const shape = factorShape(layout, A, B, rank, problems);
  if (shape === null) return null;
  const { in_features, out_features } = shape;
  const magnitude = m && (await readMagnitude(file, m, out_features, problems));
  const [a, b] = [toFloat32(await file.read(A), A.dtype), toFloat32(await file.read(B), B.dtype)];
  if (!evenBroken) {
    noteNonFinite(A, a, problems);
    noteNonFinite(B, b, problems);
    if (m && magnitude) noteNonFinite(m, magnitude, problems);
  }
  return {
    module: hubModule(path),
    ...{ in_features, out_features, rank },
    A: layout.transposed ? transpose(a, in_features, rank) : a,
    B: layout.transposed ? transpose(b, rank, out_features) : b,
    ...(magnitude ? { magnitude } : {}),
  };
}

async function readMagnitude(
  file: SafetensorsFile,
  info: TensorInfo,
  out_features: number,
  problems: Problems,
): Promise<Float32Array | undefined> {
  const { name, shape, dtype } = info;
  if (shape.length !== 1 || shape[0] !== out_features) {
    problems.add(`tensor "${name}": expected shape [${out_features}] beside its factors, got [${shape.join(", ")}]`);
  } else if (!isFloatDtype(dtype)) problems.add(`tensor "${name}": expected F32, F16 or BF16, got ${dtype}`);
  else return toFloat32(await file.read(info), dtype);
  return undefined;
}

/** A [r, in] and B [out, r] in PEFT; lora_a [in, r] and lora_b [r, out] in MLX. */
function factorShape(
  layout: Layout,
  A: TensorInfo,
  B: TensorInfo,
  rank: number,
  problems: Problems,
): LinearShape | null {
  const before = problems.list.length;
  const [rankAxisA, rankAxisB] = layout.transposed ? [1, 0] : [0, 1];
  for (const [info, axis, form] of [
    [A, rankAxisA, layout.transposed ? `[in, ${rank}]` : `[${rank}, in]`],
    [B, rankAxisB, layout.transposed ? `[${rank}, out]` : `[out, ${rank}]`],
  ] as const) {
    const where = `tensor "${info.name}"`;
    const { shape, dtype } = info;
    if (shape.length !== 2 || shape[axis] !== rank) {
      problems.add(`${where}: expected shape ${form} for the rank in ${CONFIG_FILE}, got [${shape.join(", ")}]`);
    }
    if (!["F32", "F16", "BF16"].includes(dtype)) problems.add(`${where}: expected F32, F16 or BF16, got ${dtype}`);
  }
  if (problems.list.length > before) return null;
  return { in_features: A.shape[1 - rankAxisA]!, out_features: B.shape[1 - rankAxisB]! };
}

function noteNonFinite({ name }: TensorInfo, values: Float32Array, problems: Problems): void {
  const index = firstNonFinite(values);
  if (index >= 0) problems.add(`tensor "${name}": expected finite values, got ${values[index]} at index ${index}`);
}

/** Multimodal wrappers call their text half language_model.model (MLX) or model.language_model (transformers). */
const WRAPPED = /^(?:language_model\.model|model\.language_model)\.|^language_model\.(?=lm_head$)/;

export function hubModule(path: string): string {
  return path.replace(WRAPPED, (prefix) => (prefix === "language_model." ? "" : "model."));
}

function originOf(
  layout: Layout,
  paths: readonly string[],
  factors: readonly AdapterFactor[],
): Pick<Adapter, "num_hidden_layers" | "in_language_model"> {
  const blocks = factors.flatMap(({ module }) => splitModule(module).block ?? []);
  return {
    // mlx-lm adapts the last blocks, so the highest adapted one is the base's last; PEFT may choose any.
    ...(layout === MLX && blocks.length > 0 ? { num_hidden_layers: Math.max(...blocks) + 1 } : {}),
    ...(paths.some((path) => WRAPPED.test(path)) ? { in_language_model: true } : {}),
  };
}
