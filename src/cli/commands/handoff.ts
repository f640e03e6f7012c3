/** `lorikeet handoff`: the job that `lorikeet train` would do, or the rest of it, for mlx-lm and TRL. Needs no GPU. */
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { configError, modelError } from "../../core/errors.ts";
import { formatBytes, listed } from "../../core/units.ts";
import { readDataset } from "../../data/dataset.ts";
import { type HandoffInput, handoffFiles } from "../../handoff/handoff.ts";
import type { HandoffModel } from "../../handoff/job.ts";
import type { Adapter } from "../../lora/adapter.ts";
import type { AdapterFile } from "../../lora/export.ts";
import { targetPaths } from "../../lora/targets.ts";
import { checkpointAdapter } from "../../train/checkpoint-adapter.ts";
import { KNOBS } from "../../train/config.ts";
import { describeModel, type ModelDescription } from "../../train/describe-model.ts";
import { openDatasetFiles } from "../node/dataset-files.ts";
import { checkFolder, makeFolder, writeWhole } from "../node/files.ts";
import { findModel, type ModelPlace } from "../node/model-place.ts";
import { CONFIG, DATA, MODEL, VALID } from "./flags.ts";
import { runnable } from "./runnable.ts";
import { type Origin, readRequest } from "./training/request.ts";

const HANDOFF = {
  name: "handoff",
  summary: "Writes the same training job for a bigger machine: for mlx-lm and for TRL, with what differs there.",
  flags: [
    MODEL,
    { ...DATA, unit: "FILE.jsonl|DIR", meaning: "Records, or a folder with train.jsonl and valid.jsonl." },
    VALID,
    {
      name: "out",
      group: "Files",
      kind: "text",
      unit: "DIR",
      required: true,
      meaning: "Folder to write; a new or an empty one.",
    },
    {
      name: "resumeAdapterFile",
      group: "Files",
      kind: "text",
      unit: "PATH",
      meaning: "What is done so far: a checkpoint.safetensors, with its knobs, or an adapter's file or folder.",
    },
    CONFIG,
    ...KNOBS,
  ],
} as const;

export const handoff = runnable(HANDOFF, async ({ given, values }, io) => {
  const { out } = values;
  await checkFolder("--out", out);
  await refuseFull(out);
  const request = await readRequest({ ...given, adapterPath: out });
  const place = await findModel(values.model);
  const dataset = await readDataset(await openDatasetFiles(values.data, values.valid));
  const model = await describeModel(place.source);
  const adapter = await adapterOf(request.origin, model);
  const { config, notes } = request;
  const input: HandoffInput = {
    ...{ config, adapter, model: named(place, model), train: dataset.train, valid: dataset.valid },
    done: request.origin.kind === "checkpoint" ? request.origin.step : 0,
    modules: adapter ? adapter.factors.map(({ module }) => module) : newModules(model, config),
    ...{ blocks: model.config.num_hidden_layers, vocabSize: model.config.vocab_size, tokenizer: model.tokenizer },
    maxPositions: model.config.max_position_embeddings,
  };
  const files = handoffFiles(input);
  await writeAll(out, files);
  for (const note of notes) io.err.write(`${note}\n`);
  for (const file of files) io.out.write(`${path.join(out, file.path)}  ${formatBytes(file.bytes.length)}\n`);
  return 0;
});

async function refuseFull(out: string): Promise<void> {
  const files = await readdir(out).catch(() => []);
  if (files.length === 0) return;
  throw configError(`--out ${out}: the folder holds files (${listed(files, 3)})`, "Name a new folder.");
}

function named({ name, onHub }: ModelPlace, { config }: ModelDescription): HandoffModel {
  const quantized = config.quantization !== null;
  if (onHub) return { name, quantized };
  const note = "The folder that was trained from; on another machine put its place there here.";
  return { name: path.resolve(name), quantized, note };
}

async function adapterOf(origin: Origin, model: ModelDescription): Promise<Adapter | null> {
  if (origin.kind === "fresh") return null;
  if (origin.kind === "checkpoint") return checkpointAdapter(origin.path, origin.bytes, model.config);
  const foreign = origin.adapter.factors.find(({ module }) => !model.modules.includes(module));
  if (!foreign) return origin.adapter;
  throw modelError(`${origin.path}: adapts ${foreign.module}, which this model does not have`, "Check --model.");
}

function newModules({ modules }: ModelDescription, config: HandoffInput["config"]): string[] {
  const unknown = config.targetModules.filter((name) => {
    return targetPaths(modules, { targetModules: [name], numLayers: config.numLayers }).length === 0;
  });
  if (unknown.length > 0) throw modelError(`target-modules: ${unknown.join(", ")} matches no linear layer`);
  return targetPaths(modules, config);
}

/** All of it or nothing. */
async function writeAll(out: string, files: readonly AdapterFile[]): Promise<void> {
  const folder = await makeFolder(out);
  try {
    for (const file of files) {
      const target = path.join(out, file.path);
      await makeFolder(path.dirname(target));
      await writeWhole(target, file.bytes);
    }
  } catch (error) {
    for (const top of new Set(files.map((file) => file.path.split("/")[0]!))) {
      await rm(path.join(out, top), { recursive: true, force: true });
    }
    await folder.takeBack();
    throw error;
  }
}
