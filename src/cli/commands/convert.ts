/** `lorikeet convert`: an adapter from one tool's layout to another's. Needs no GPU. */
import { access, rm } from "node:fs/promises";
import path from "node:path";
import { type ModelSource, readJson } from "../../core/bytes.ts";
import { configError, formatError, modelError } from "../../core/errors.ts";
import { isJsonObject } from "../../core/json.ts";
import { formatBytes } from "../../core/units.ts";
import { parseModelConfig } from "../../formats/model-config.ts";
import { type Adapter, splitModule } from "../../lora/adapter.ts";
import { exportMlx, exportPeft } from "../../lora/export.ts";
import { importAdapter } from "../../lora/import.ts";
import type { Io } from "../io.ts";
import { checkFolder, makeFolder, writeWhole } from "../node/files.ts";
import { folderSource } from "../node/folder.ts";
import { findModel } from "../node/model-place.ts";
import { runnable } from "./runnable.ts";

const CONVERT = {
  name: "convert",
  summary: "Writes an adapter in the layout of another tool.",
  positionals: [{ name: "ADAPTER_DIR", meaning: "Folder of an adapter, MLX's or PEFT's." }],
  flags: [
    {
      name: "to",
      kind: "choice",
      choices: ["mlx", "peft", "gguf"],
      required: true,
      meaning: "Layout to write; gguf is not there yet.",
    },
    { name: "out", kind: "text", unit: "DIR", required: true, meaning: "Folder to write." },
    {
      name: "numHiddenLayers",
      kind: "integer",
      min: 1,
      unit: "blocks",
      meaning: "Blocks of the base model; MLX counts adapted blocks from the last.",
    },
    { name: "model", kind: "text", unit: "DIR|org/name|demo", meaning: "The base model, to read that number from." },
  ],
} as const;

const TENSORS = { mlx: "adapters.safetensors", peft: "adapter_model.safetensors" };

export const convert = runnable(CONVERT, async ({ values, positionals }, io) => {
  const { to, out } = values;
  if (to === "gguf") {
    const hint = "Convert to peft, then use llama.cpp's convert_lora_to_gguf.py on that folder.";
    throw configError("--to gguf: adapters cannot be written as GGUF yet", hint);
  }
  const source = folderSource(positionals[0] ?? "");
  const adapter = await importAdapter(source);
  await checkFolder("--out", out);
  await refuseSecondAdapter(out, to);
  const blocks = await blocksOfBase(values, adapter, source, io);
  const full: Adapter = { ...adapter, ...(blocks === undefined ? {} : { num_hidden_layers: blocks }) };
  const files = to === "mlx" ? exportMlx(full) : exportPeft(full);
  const folder = await makeFolder(out);
  try {
    for (const file of files) await writeWhole(path.join(out, file.path), file.bytes);
    checkSame(out, full, await importAdapter(folderSource(out)));
  } catch (error) {
    for (const file of files) await rm(path.join(out, file.path), { force: true });
    await folder.takeBack();
    throw error;
  }
  for (const file of files) io.out.write(`${path.join(out, file.path)}  ${formatBytes(file.bytes.length)}\n`);
  return 0;
});

/** Both layouts call their config adapter_config.json, so a folder holds one adapter. */
async function refuseSecondAdapter(out: string, to: keyof typeof TENSORS): Promise<void> {
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

async function blocksOfModel(model: string): Promise<number> {
  const { source } = await findModel(model);
  return parseModelConfig(await readJson(source, "config.json"), `${model}/config.json`).num_hidden_layers;
}

/** What was written must read back as the very same numbers. */
function checkSame(out: string, written: Adapter, read: Adapter): void {
  const same = written.factors.every((factor, i) => {
    const other = read.factors[i];
    const equal = (a: Float32Array, b: Float32Array) => a.length === b.length && a.every((value, k) => value === b[k]);
    return other?.module === factor.module && equal(factor.A, other.A) && equal(factor.B, other.B);
  });
  if (same && read.factors.length === written.factors.length) return;
  throw formatError(`${out}: the files read back differ from the adapter`, "The disk may be full or damaged.");
}
