/** llama.cpp's adapter file → adapter. Tensor names say which modules are adapted; every fault is reported together. */

import type { ByteSource } from "../core/bytes.ts";
import { toFloat32 } from "../core/dtype.ts";
import { type LorikeetError, modelError, Problems } from "../core/errors.ts";
import { isFloatDtype } from "../core/float-bytes.ts";
import { wholeIfClose } from "../formats/adapter-config.ts";
import { type GgufFile, type GgufTensor, openGguf } from "../formats/gguf.ts";
import { type GgufBase, knownArchitectures } from "../formats/gguf-base.ts";
import { describeValue } from "../formats/gguf-header.ts";
import { type Adapter, type AdapterFactor, compareModules, firstNonFinite } from "./adapter.ts";
import { headsOf, hubName, isReordered, separateRows } from "./gguf-names.ts";
import { type LayerScale, withScales } from "./uniform.ts";

interface Pair {
  A?: GgufTensor;
  B?: GgufTensor;
}

export interface GgufImportOptions {
  readonly evenBroken: boolean;
  /** The model it was made for: llama's rows cannot be put in order without its heads. */
  readonly base: GgufBase | undefined;
}

/**
 * Reads an adapter that llama.cpp can load.
 * @throws FormatError or ModelError listing what is wrong: no LoRA adapter, another architecture, incomplete pairs, wrong
 * shapes, names that no layer has, values that are not finite.
 */
export async function importGguf(source: ByteSource, { evenBroken, base }: GgufImportOptions): Promise<Adapter> {
  const file = await openGguf(source);
  const { architecture, alpha } = checkMetadata(file, base);
  const problems = new Problems();
  const pairs = pairTensors(file, problems);
  const layers: LayerScale[] = [];
  for (const [name, pair] of pairs) {
    const factor = await readFactor(file, name, pair, { architecture, base, evenBroken }, problems);
    // llama.cpp takes an alpha of 0, or none, as full strength.
    if (factor !== null) layers.push({ factor, scale: alpha === 0 ? 1 : alpha / factor.rank });
  }
  problems.throwIfAny("format", `${file.name} (llama.cpp's layout)`, "Only plain LoRA on linear layers can be read.");
  layers.sort((a, b) => compareModules(a.factor.module, b.factor.module));
  const scaled = withScales(layers, 1);
  const name = file.metadata.get("general.base_model.0.name");
  return {
    ...scaled,
    ...{ alpha: wholeIfClose(scaled.scale * scaled.rank), dropout: 0, use_rslora: false },
    ...(typeof name === "string" && name !== "" ? { base_model: name } : {}),
    ...(base === undefined ? {} : { num_hidden_layers: base.num_hidden_layers }),
    ...(base?.in_language_model ? { in_language_model: true } : {}),
  };
}

function checkMetadata(file: GgufFile, base: GgufBase | undefined): { architecture: string; alpha: number } {
  const { metadata } = file;
  const problems = new Problems();
  const expect = (key: string, expected: string) => {
    const value = metadata.get(key);
    if (value !== expected) problems.add(`${key}: expected "${expected}", got ${describeValue(value)}`);
  };
  expect("general.type", "adapter");
  expect("adapter.type", "lora");
  const architecture = metadata.get("general.architecture");
  if (typeof architecture !== "string" || !knownArchitectures().includes(architecture)) {
    const known = knownArchitectures().join(", ");
    problems.add(`general.architecture: expected one of ${known}, got ${describeValue(architecture)}`);
  } else if (base !== undefined && base.architecture !== architecture) {
    problems.add(`general.architecture: expected "${base.architecture}" for this model, got "${architecture}"`);
  }
  const alpha = metadata.get("adapter.lora.alpha") ?? 0;
  if (typeof alpha !== "number" || !Number.isFinite(alpha)) {
    problems.add(`adapter.lora.alpha: expected a number, got ${describeValue(alpha)}`);
  }
  const tokens = metadata.get("adapter.alora.invocation_tokens");
  if (tokens !== undefined) {
    problems.add(
      "adapter.alora.invocation_tokens: an adapter that switches on in the middle of a text is not supported",
    );
  }
  problems.throwIfAny(
    "model",
    file.name,
    "Only LoRA adapters can be read from GGUF, made for a model of a known family.",
  );
  return { architecture: architecture as string, alpha: alpha as number };
}

function pairTensors(file: GgufFile, problems: Problems): Map<string, Pair> {
  const pairs = new Map<string, Pair>();
  for (const tensor of file.tensors.values()) {
    const [, name, side] = /^(.+)\.lora_([ab])$/.exec(tensor.name) ?? [];
    if (name === undefined) {
      problems.add(`tensor "${tensor.name}": expected ….lora_a or .lora_b${guess(tensor.name)}`);
      continue;
    }
    pairs.set(name, { ...pairs.get(name), [side === "a" ? "A" : "B"]: tensor });
  }
  if (file.tensors.size === 0) problems.add("expected lora tensors, found none");
  return pairs;
}

const guess = (name: string) =>
  name.endsWith("_norm.weight") ? " (trained norms, which llama.cpp itself leaves out, are not supported)" : "";

async function readFactor(
  file: GgufFile,
  name: string,
  { A, B }: Pair,
  { architecture, base, evenBroken }: GgufImportOptions & { readonly architecture: string },
  problems: Problems,
): Promise<AdapterFactor | null> {
  if (A === undefined || B === undefined) {
    const [found, missing] = A === undefined ? ["lora_b", "lora_a"] : ["lora_a", "lora_b"];
    problems.add(`${name}: expected a pair, found .${found} without .${missing}`);
    return null;
  }
  const module = hubName(name, architecture);
  if (module === null || module === "model.embed_tokens") {
    const why =
      module === null ? `no linear layer of ${architecture} has this name` : "adapted embeddings are not supported";
    problems.add(`${name}: ${why}`);
    return null;
  }
  if (!checkShapes(A, B, problems)) return null;
  const [rank, in_features] = A.shape as [number, number];
  const out_features = B.shape[0]!;
  const values = { A: toFloat32(await file.read(A), A.dtype!), B: toFloat32(await file.read(B), B.dtype!) };
  for (const [side, tensor] of [["A", A] as const, ["B", B] as const]) {
    const index = evenBroken ? -1 : firstNonFinite(values[side]);
    if (index < 0) continue;
    problems.add(`tensor "${tensor.name}": expected finite values, got ${values[side][index]} at index ${index}`);
  }
  const ordered = isReordered(module, architecture)
    ? inOrder(file, values.B, { module, rank, out_features }, base)
    : values.B;
  return { module, in_features, out_features, rank, A: values.A, B: ordered };
}

function inOrder(
  file: GgufFile,
  B: Float32Array,
  { module, rank, out_features }: Pick<AdapterFactor, "module" | "rank" | "out_features">,
  base: GgufBase | undefined,
): Float32Array {
  if (base === undefined) throw needsModel(file.name);
  return separateRows(B, rank, headsOf(module, out_features, base));
}

const needsModel = (name: string): LorikeetError =>
  modelError(
    `${name}: llama.cpp keeps the rows of q and k of this architecture in another order, by heads that only the model names`,
    "Give the model it was made for as well: --model DIR; its config.json is enough.",
  );

/** A [r, in], B [out, r] */
function checkShapes(A: GgufTensor, B: GgufTensor, problems: Problems): boolean {
  const before = problems.list.length;
  for (const { name, dtype, type, shape } of [A, B]) {
    if (dtype === null || !isFloatDtype(dtype)) {
      problems.add(`tensor "${name}": expected F32, F16 or BF16, got ${dtype ?? `ggml's type ${type}`}`);
    }
    if (shape.length !== 2 || shape.includes(0))
      problems.add(`tensor "${name}": expected two axes, got [${shape.join(", ")}]`);
  }
  if (problems.list.length === before && A.shape[0] !== B.shape[1]) {
    const [a, b] = [A, B].map(({ shape }) => `[${shape.join(", ")}]`);
    problems.add(`${A.name} ${a} and ${B.name} ${b}: expected [r, in] and [out, r] of one rank r`);
  }
  return problems.list.length === before;
}
