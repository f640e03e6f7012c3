/** An adapter into the files of one layout, read back; what `convert` and `combine` end with. */
import { access, rm } from "node:fs/promises";
import path from "node:path";
import { configError, formatError } from "../../../core/errors.ts";
import { formatBytes } from "../../../core/units.ts";
import { openCheckpoint } from "../../../formats/checkpoint.ts";
import { textCheckpoint } from "../../../formats/text-part.ts";
import { type Adapter, scaleOf } from "../../../lora/adapter.ts";
import { checkpointLinears } from "../../../lora/base-linears.ts";
import { type AdapterFile, exportMlx, exportPeft } from "../../../lora/export.ts";
import { exportGguf, GGUF_FILE } from "../../../lora/export-gguf.ts";
import { checkAdapterFits } from "../../../lora/fits.ts";
import { uniformAdapter } from "../../../lora/uniform.ts";
import type { Flag } from "../../args.ts";
import type { Io } from "../../io.ts";
import { ggufBaseOf, readAdapter } from "../../node/adapter-place.ts";
import { makeFolder, writeWhole } from "../../node/files.ts";
import { findModel } from "../../node/model-place.ts";

export const OUTPUT_FLAGS = [
  {
    name: "to",
    kind: "choice",
    choices: ["mlx", "peft", "gguf"],
    required: true,
    meaning: "Layout to write: mlx-lm's, PEFT's, or llama.cpp's and Ollama's.",
  },
  { name: "out", kind: "text", unit: "DIR", required: true, meaning: "Folder to write." },
  {
    name: "model",
    kind: "text",
    unit: "DIR|org/name|demo",
    meaning: "The base model, to hold the adapter against; GGUF needs at least its config.json.",
  },
  {
    name: "numHiddenLayers",
    kind: "integer",
    min: 1,
    unit: "blocks",
    meaning: "Blocks of the base model, without --model; MLX counts adapted blocks from the last.",
  },
  {
    name: "outtype",
    kind: "choice",
    choices: ["f32", "f16"],
    default: "f32",
    meaning: "Numbers of a GGUF file; f16 halves it and rounds.",
  },
] as const satisfies readonly Flag[];

/** What the flags say. */
export interface OutputChoice {
  readonly to: Layout;
  readonly out: string;
  readonly model?: string;
  readonly outtype: "f32" | "f16";
}

type Layout = "mlx" | "peft" | "gguf";
const TENSORS = { mlx: "adapters.safetensors", peft: "adapter_model.safetensors", gguf: GGUF_FILE };

interface Made {
  readonly files: readonly AdapterFile[];
  /** What reading them back must give. */
  readonly adapter: Adapter;
  /** What the layout could not hold as it was. */
  readonly notes: readonly string[];
}

/** Throws ConfigError where the flags do not go together. */
export function checkOutput({ to, model }: OutputChoice): void {
  if (to !== "gguf" || model !== undefined) return;
  const hint = "Give --model DIR or org/name; a folder with its config.json is enough.";
  throw configError("--to gguf: llama.cpp orders and names tensors by the base model, which was not named", hint);
}

/** Writes, reads back, tells what the layout could not hold; returns the lines that name the files. Leaves nothing behind where it fails. */
export async function writeAdapter(adapter: Adapter, choice: OutputChoice, io: Io): Promise<string> {
  const { to, out, model, outtype } = choice;
  await refuseSecondAdapter(out, to);
  const { files, notes, adapter: written } = await make(adapter, to, model, outtype);
  const folder = await makeFolder(out);
  try {
    for (const file of files) await writeWhole(path.join(out, file.path), file.bytes);
    // A GGUF file may lie beside another layout, which would be read first.
    const place = to === "gguf" ? path.join(out, GGUF_FILE) : out;
    checkSame(place, written, await readAdapter(place, model));
  } catch (error) {
    for (const file of files) await rm(path.join(out, file.path), { force: true });
    await folder.takeBack();
    throw error;
  }
  for (const note of notes) io.err.write(`${note}\n`);
  return files.map((file) => `${path.join(out, file.path)}  ${formatBytes(file.bytes.length)}\n`).join("");
}

async function make(adapter: Adapter, to: Layout, model: string | undefined, outtype: "f32" | "f16"): Promise<Made> {
  if (to === "peft") return { files: exportPeft(adapter), adapter, notes: [] };
  if (to === "mlx") return { files: exportMlx(adapter), ...uniformAdapter(adapter) };
  const base = await ggufBaseOf(model ?? "");
  const { file, ...made } = exportGguf(adapter, base, outtype === "f32" ? "F32" : "F16");
  return { files: [file], ...made };
}

/** An adapter and where it was found. */
export interface NamedAdapter {
  readonly name: string;
  readonly adapter: Adapter;
}

/** Against the weights' shapes, where they are there. Throws ModelError listing every misfit. */
export async function checkFits(adapters: readonly NamedAdapter[], model: string, io: Io): Promise<void> {
  const { source } = await findModel(model);
  const weights = ["model.safetensors", "model.safetensors.index.json"];
  const found = await Promise.all(weights.map((file) => source.open(file)));
  if (found.every((file) => file === null)) {
    io.err.write(`${model} has no weights to hold the adapter's shapes against\n`);
    return;
  }
  const checkpoint = textCheckpoint(await openCheckpoint(source));
  for (const { name, adapter } of adapters) {
    checkAdapterFits(adapter, checkpointLinears(checkpoint, adapter), adapters.length > 1 ? name : undefined);
  }
}

/** MLX and PEFT both call their config adapter_config.json, so a folder holds one of the two. */
async function refuseSecondAdapter(out: string, to: Layout): Promise<void> {
  if (to === "gguf") return;
  const other = path.join(out, TENSORS[to === "mlx" ? "peft" : "mlx"]);
  const exists = await access(other).then(
    () => true,
    () => false,
  );
  if (!exists) return;
  throw configError(
    `--out ${out}: holds ${path.basename(other)}, whose adapter_config.json would be overwritten`,
    "Name another folder.",
  );
}

const NONE = new Float32Array(0);

/** What was written must read back as the very same numbers. */
function checkSame(place: string, written: Adapter, read: Adapter): void {
  const same = written.factors.every((factor, i) => {
    const other = read.factors[i];
    const equal = (a: Float32Array = NONE, b: Float32Array = NONE) =>
      a.length === b.length && a.every((value, k) => value === b[k]);
    if (other?.module !== factor.module || !equal(factor.A, other.A) || !equal(factor.B, other.B)) return false;
    if (!equal(factor.magnitude, other.magnitude)) return false;
    const scale = scaleOf(written, factor);
    // GGUF has alpha in F32.
    return Math.abs(scaleOf(read, other) - scale) <= 1e-6 * Math.abs(scale);
  });
  if (same && read.factors.length === written.factors.length) return;
  throw formatError(`${place}: the files read back differ from the adapter`, "The disk may be full or damaged.");
}
