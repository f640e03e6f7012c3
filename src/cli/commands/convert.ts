/** `lorikeet convert`: an adapter from one tool's layout to another's. Needs no GPU. */
import { access, rm } from "node:fs/promises";
import path from "node:path";
import { type ModelSource, readJson } from "../../core/bytes.ts";
import { configError, formatError, modelError } from "../../core/errors.ts";
import { describeJson, isJsonObject } from "../../core/json.ts";
import { formatBytes } from "../../core/units.ts";
import { openCheckpoint } from "../../formats/checkpoint.ts";
import { type Adapter, scaleOf, splitModule } from "../../lora/adapter.ts";
import { checkpointLinears } from "../../lora/base-linears.ts";
import { type AdapterFile, exportMlx, exportPeft } from "../../lora/export.ts";
import { exportGguf, GGUF_FILE } from "../../lora/export-gguf.ts";
import { checkAdapterFits } from "../../lora/fits.ts";
import { uniformAdapter } from "../../lora/uniform.ts";
import type { Io } from "../io.ts";
import { adapterSource, ggufBaseOf, readAdapter } from "../node/adapter-place.ts";
import { checkFolder, makeFolder, writeWhole } from "../node/files.ts";
import { findModel } from "../node/model-place.ts";
import { ADAPTER_PLACE } from "./flags.ts";
import { runnable } from "./runnable.ts";

const CONVERT = {
  name: "convert",
  summary: "Writes an adapter in the layout of another tool, and reads it back.",
  positionals: [ADAPTER_PLACE],
  flags: [
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
  ],
} as const;

type Layout = "mlx" | "peft" | "gguf";
const TENSORS = { mlx: "adapters.safetensors", peft: "adapter_model.safetensors", gguf: GGUF_FILE };

interface Made {
  readonly files: readonly AdapterFile[];
  /** What reading them back must give. */
  readonly adapter: Adapter;
  /** What the layout could not hold as it was. */
  readonly notes: readonly string[];
}

export const convert = runnable(CONVERT, async ({ values, positionals }, io) => {
  const { to, out, model } = values;
  if (to === "gguf" && model === undefined) {
    const hint = "Give --model DIR or org/name; a folder with its config.json is enough.";
    throw configError("--to gguf: llama.cpp orders and names tensors by the base model, which was not named", hint);
  }
  const [place = ""] = positionals;
  const adapter = await readAdapter(place, model);
  if (model !== undefined) await checkFits(adapter, model, io);
  await checkFolder("--out", out);
  await refuseSecondAdapter(out, to);
  const blocks = await blocksOfBase(values, adapter, await adapterSource(place), io);
  const full: Adapter = { ...adapter, ...(blocks === undefined ? {} : { num_hidden_layers: blocks }) };
  const { files, notes, adapter: written } = await make(full, to, model, values.outtype);
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
  for (const file of files) io.out.write(`${path.join(out, file.path)}  ${formatBytes(file.bytes.length)}\n`);
  return 0;
});

async function make(adapter: Adapter, to: Layout, model: string | undefined, outtype: "f32" | "f16"): Promise<Made> {
  if (to === "peft") return { files: exportPeft(adapter), adapter, notes: [] };
  if (to === "mlx") return { files: exportMlx(adapter), ...uniformAdapter(adapter) };
  const base = await ggufBaseOf(model ?? "");
  const { file, ...made } = exportGguf(adapter, base, outtype === "f32" ? "F32" : "F16");
  return { files: [file], ...made };
}

/** Against the weights' shapes, where they are there. Throws ModelError listing every misfit. */
async function checkFits(adapter: Adapter, model: string, io: Io): Promise<void> {
  const { source } = await findModel(model);
  const weights = ["model.safetensors", "model.safetensors.index.json"];
  const found = await Promise.all(weights.map((file) => source.open(file)));
  if (found.every((file) => file === null)) {
    io.err.write(`${model} has no weights to hold the adapter's shapes against\n`);
    return;
  }
  checkAdapterFits(adapter, checkpointLinears(await openCheckpoint(source), adapter));
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

/** From the command line, the base model's config, or the adapter's own; undefined where nobody says. */
async function blocksOfBase(
  { numHiddenLayers, model }: { readonly numHiddenLayers?: number; readonly model?: string },
  adapter: Adapter,
  source: ModelSource,
  io: Io,
): Promise<number | undefined> {
  const config = await readJson(source, "adapter_config.json");
  const own = isJsonObject(config) ? config.num_hidden_layers : undefined;
  const said = numHiddenLayers ?? (model === undefined ? undefined : await blocksOfModel(model)) ?? own;
  const known = Number.isSafeInteger(said) ? (said as number) : adapter.num_hidden_layers;
  const highest = Math.max(-1, ...adapter.factors.map(({ module }) => splitModule(module).block ?? -1));
  if (known !== undefined && known <= highest) {
    throw modelError(
      `${source.label}: adapts block ${highest}, counted from 0; a base of ${known} blocks has none of that number`,
      "Check --num-hidden-layers or --model.",
    );
  }
  const chosen = isJsonObject(config) && Array.isArray(config.layers_to_transform);
  if (known === undefined && chosen) {
    io.err.write(
      `block ${highest} is taken to be the base's last; if it is not, give --model or --num-hidden-layers\n`,
    );
  }
  return known;
}

/** Of the text half of a multimodal model. Families that do not train here have it as well. */
async function blocksOfModel(model: string): Promise<number> {
  const { source } = await findModel(model);
  const json = await readJson(source, "config.json");
  const config = isJsonObject(json) && isJsonObject(json.text_config) ? json.text_config : json;
  const blocks = isJsonObject(config) ? config.num_hidden_layers : undefined;
  if (Number.isSafeInteger(blocks) && (blocks as number) > 0) return blocks as number;
  throw formatError(`${model}/config.json: num_hidden_layers: expected a whole number, got ${describeJson(blocks)}`);
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
