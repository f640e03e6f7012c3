/** Flags, YAML file and what is gone on from → everything a run needs to know, checked. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { type ModelSource, memoryModel } from "../../../core/bytes.ts";
import { configError } from "../../../core/errors.ts";
import { type Adapter, isDora, splitModule } from "../../../lora/adapter.ts";
import { importAdapter } from "../../../lora/import.ts";
import { adapterNumbers, patternTexts } from "../../../lora/patterns.ts";
import { resizeAdapter } from "../../../lora/resize.ts";
import { peekCheckpoint } from "../../../train/checkpoint.ts";
import { flagOf, overrideConfig, resolveConfig, type TrainConfig } from "../../../train/config.ts";
import { showValue } from "../../../train/setting.ts";
import { givenKnobs } from "../../args.ts";
import { readAdapter } from "../../node/adapter-place.ts";
import { readYamlConfig } from "../../yaml-config.ts";
import { resizeNote } from "../loss-lines.ts";

/** Where the factors come from. */
export type Origin =
  | { readonly kind: "fresh" }
  | { readonly kind: "adapter"; readonly path: string; readonly adapter: Adapter }
  | { readonly kind: "checkpoint"; readonly path: string; readonly bytes: Uint8Array; readonly step: number };

export interface RunRequest {
  readonly model: string;
  readonly data: string;
  readonly valid: string | undefined;
  /** Bits for each weight of the base. */
  readonly quantize?: "4" | "8" | undefined;
  readonly adapterPath: string;
  readonly config: TrainConfig;
  readonly origin: Origin;
  /** What a person should know before the run. */
  readonly notes: readonly string[];
}

const PATHS = ["model", "data", "adapterPath", "resumeAdapterFile"] as const;

interface Files {
  readonly config?: string;
  readonly valid?: string;
  readonly quantize?: "4" | "8";
  readonly model?: string;
  readonly data?: string;
  readonly adapterPath?: string;
  readonly resumeAdapterFile?: string;
}

/** The command line wins over the YAML file, that over the checkpoint, that over the defaults. */
export async function readRequest(given: Files & Readonly<Record<string, unknown>>): Promise<RunRequest> {
  const flags = givenKnobs(given);
  const yaml = given.config === undefined ? null : readYamlConfig(await readYaml(given.config), given.config, flags);
  const paths: Partial<Record<(typeof PATHS)[number], string>> = {};
  for (const name of PATHS) {
    const value = given[name] ?? yaml?.[name];
    if (value !== undefined) paths[name] = value;
  }
  const { model, data, adapterPath, resumeAdapterFile } = paths;
  if (model === undefined || data === undefined || adapterPath === undefined) {
    const missing = PATHS.slice(0, 3).filter((name) => paths[name] === undefined);
    throw configError(
      `lorikeet train: expected --model, --data and --adapter-path, missing: ${missing.map((name) => `--${flagOf(name)}`).join(", ")}`,
      "For example: lorikeet train --model demo --data my.jsonl --adapter-path runs/mine",
    );
  }
  const found = resumeAdapterFile === undefined ? FRESH : await readOrigin(resumeAdapterFile, model);
  const { config, origin, notes } = await settle(yaml?.knobs ?? flags, found, given.config);
  const files = { model, data, adapterPath, valid: given.valid, quantize: given.quantize };
  return { ...files, config, origin, notes: [...(yaml?.notes ?? []), ...notes] };
}

const FRESH: Origin = { kind: "fresh" };

async function readYaml(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw configError(`--config ${file}: cannot be read (${error.code})`, "Check the path.");
  });
}

/** A folder or file of an adapter, or a checkpoint of ours. */
async function readOrigin(place: string, model: string): Promise<Origin> {
  const info = await stat(place).catch(() => null);
  if (!info) {
    const hint = "Name checkpoint.safetensors of an earlier run, or an adapter's file or folder.";
    throw configError(`--resume-adapter-file ${place}: there is no such file`, hint);
  }
  if (info.isDirectory() || place.endsWith(".gguf")) {
    return { kind: "adapter", path: place, adapter: await readAdapter(place, model) };
  }
  const bytes = new Uint8Array(await readFile(place));
  const checkpoint = await peekCheckpoint(place, bytes);
  if (checkpoint) return { kind: "checkpoint", path: place, bytes, step: checkpoint.step };
  return { kind: "adapter", path: place, adapter: await importAdapter(await asFolder(place, bytes)) };
}

/** One tensor file, whatever its name (0000100_adapters.safetensors), with the config beside it. */
async function asFolder(file: string, bytes: Uint8Array): Promise<ModelSource> {
  const config = path.join(path.dirname(file), "adapter_config.json");
  const json = await readFile(config).catch(() => null);
  return memoryModel(path.dirname(file), [
    { path: "adapters.safetensors", bytes },
    ...(json ? [{ path: "adapter_config.json", bytes: new Uint8Array(json) }] : []),
  ]);
}

type Settled = Pick<RunRequest, "config" | "origin" | "notes">;

async function settle(knobs: Partial<TrainConfig>, origin: Origin, where: string | undefined): Promise<Settled> {
  const label = where ?? "lorikeet train";
  if (origin.kind === "fresh") return { config: resolveConfig(knobs, label), origin, notes: [] };
  if (origin.kind === "checkpoint") {
    const { config } = (await peekCheckpoint(origin.path, origin.bytes))!;
    return { config: resolveConfig(overrideConfig(config, knobs), label), origin, notes: [] };
  }
  const config = resolveConfig(knobs, label);
  const { rank } = origin.adapter;
  if (knobs.rank === undefined || origin.adapter.factors.every((factor) => factor.rank === knobs.rank)) {
    return { config: withShapeOf(origin.adapter, origin.path, knobs, config), origin, notes: [] };
  }
  const resized = resizeAdapter(origin.adapter, knobs.rank, config.seed);
  return {
    config: withShapeOf(resized.adapter, origin.path, knobs, config),
    origin: { ...origin, adapter: resized.adapter },
    notes: [resizeNote(rank, resized)],
  };
}

/** An adapter that exists has its kind, strength and layers already; asking for others is an error. Its rank is the asked one by now. */
function withShapeOf(adapter: Adapter, where: string, knobs: Partial<TrainConfig>, config: TrainConfig): TrainConfig {
  const leaves = adapter.factors.map(({ module }) => splitModule(module).key.split(".").at(-1)!);
  const useRslora = knobs.useRslora ?? adapter.use_rslora;
  const { rank, alpha, rank_pattern, alpha_pattern } = adapterNumbers(adapter, { useRslora });
  const shape = {
    fineTuneType: isDora(adapter) ? "dora" : "lora",
    ...{ rank, alpha, useRslora },
    ...{ rankPattern: patternTexts(rank_pattern), alphaPattern: patternTexts(alpha_pattern) },
    targetModules: [...new Set(leaves)].sort(),
  } as const;
  for (const name of ["fineTuneType", "alpha", "rankPattern", "alphaPattern", "targetModules"] as const) {
    const asked = knobs[name];
    const same = JSON.stringify(Array.isArray(asked) ? [...asked].sort() : asked) === JSON.stringify(shape[name]);
    if (asked === undefined || same) continue;
    const ofRank = name === "alpha" ? ` at rank ${shape.rank}` : "";
    throw configError(
      `${where}: the adapter has ${name} ${showValue(shape[name])}${ofRank}, asked for is ${showValue(asked)}`,
      `Leave --${flagOf(name)} out to go on with this adapter, or train a new one without --resume-adapter-file.`,
    );
  }
  // Checked again: DoRA and dropout do not go together.
  resolveConfig({ ...knobs, fineTuneType: shape.fineTuneType }, where);
  return { ...config, ...shape };
}
