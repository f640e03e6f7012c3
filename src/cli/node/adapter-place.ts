/** An adapter as a command line names it: a folder of MLX's or PEFT's layout, or a GGUF file. */
import { stat } from "node:fs/promises";
import path from "node:path";
import { type ModelSource, readJson } from "../../core/bytes.ts";
import { modelError } from "../../core/errors.ts";
import { type GgufBase, parseGgufBase } from "../../formats/gguf-base.ts";
import type { Adapter } from "../../lora/adapter.ts";
import { type ImportOptions, importAdapter } from "../../lora/import.ts";
import { folderSource } from "./folder.ts";
import { findModel } from "./model-place.ts";

/** The folder, or the one file of it that is named. */
export async function adapterSource(place: string): Promise<ModelSource> {
  const info = await stat(place).catch(() => null);
  if (!info?.isFile()) return folderSource(place);
  const [folder, file] = [folderSource(path.dirname(place)), path.basename(place)];
  if (!file.endsWith(".gguf")) {
    throw modelError(`${place}: expected a folder or a .gguf file, got another file`, "Name the folder that holds it.");
  }
  return {
    label: folder.label,
    list: async () => [file],
    open: async (relative) => (relative === file ? folder.open(file) : null),
  };
}

/** Reads it for `model`, as `--model` names one, of which GGUF needs the config.json. */
export async function readAdapter(
  place: string,
  model: string | undefined,
  options: Pick<ImportOptions, "evenBroken"> = {},
): Promise<Adapter> {
  const base = model === undefined ? {} : { base: () => ggufBaseOf(model) };
  return importAdapter(await adapterSource(place), { ...options, ...base });
}

/** Throws ModelError for a family that llama.cpp's place for is not known, FormatError for a faulty config.json. */
export async function ggufBaseOf(model: string): Promise<GgufBase> {
  const { source } = await findModel(model);
  return parseGgufBase(await readJson(source, "config.json"), `${source.label}/config.json`);
}
