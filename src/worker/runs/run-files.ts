/** The files of a finished run as people take them away. */
import { strToU8, type Zippable, zip } from "fflate";
import { modelError } from "../../core/errors.ts";
import type { GgufBase } from "../../formats/gguf-base.ts";
import { exportPeft } from "../../lora/export.ts";
import { exportGguf } from "../../lora/export-gguf.ts";
import { importAdapter } from "../../lora/import.ts";
import type { ModelDescription } from "../../train/describe-model.ts";
import type { StepEvent } from "../../train/events.ts";
import { metricsLine } from "../../train/run-record.ts";
import type { NamedBlob, RunEvent, RunFile, RunOutcome } from "../protocol.ts";
import { handoffFolder } from "./handoff-file.ts";
import { reportFile } from "./report-file.ts";
import { ADAPTER_FILES, RECORD_FILE, type RunFolder, type StoredRun } from "./run-folder.ts";

/** What files for other tools ask of the run's model; nothing is read of it before. */
export interface RunModel {
  /** What llama.cpp makes of it. */
  gguf(): Promise<GgufBase>;
  description(): Promise<ModelDescription>;
}

/** Throws ModelError when the run has no such file, as one that was stopped before its first update. */
export async function makeRunFile(
  folder: RunFolder,
  state: StoredRun,
  file: RunFile,
  model: RunModel,
): Promise<NamedBlob> {
  const stem = fileStem(state);
  const warning = collapseWarning(state);
  const mark = warning === null ? "" : "collapsed-";
  switch (file) {
    case "adapters.safetensors":
    case "adapter_config.json":
      return { name: `${mark}${file}`, blob: blobOf(await wanted(folder, file), typeOf(file)) };
    case "run.json":
      return { name: `${stem}-run.json`, blob: blobOf(await wanted(folder, file), typeOf(file)) };
    case "metrics.jsonl":
      return { name: `${stem}-metrics.jsonl`, blob: blobOf(metricsJsonl(await folder.events()), "application/jsonl") };
    case "metrics.csv":
      return { name: `${stem}-metrics.csv`, blob: blobOf(metricsCsv(await folder.events()), "text/csv") };
    case "report.html":
      return { name: `${stem}-report.html`, blob: blobOf(await reportFile(folder, state), "text/html") };
    case "mlx.zip":
      return { name: `${stem}-${mark}mlx.zip`, blob: await zipOf(await mlxFiles(folder), warning) };
    case "peft.zip":
      return { name: `${stem}-${mark}peft.zip`, blob: await zipOf(await peftFiles(folder), warning) };
    case "handoff.zip": {
      const files = await handoffFolder(folder, state, await model.description());
      return { name: `${stem}-${mark}handoff.zip`, blob: await zipOf(files, warning) };
    }
    case "adapter.gguf":
      return { name: `${mark}${file}`, blob: blobOf(await ggufFile(folder, await model.gguf()), typeOf(file)) };
  }
}

/** What lies beside an adapter whose answers have collapsed, wherever its files end up; null for any other. */
function collapseWarning({ outcome }: StoredRun): string | null {
  // A run of an older page has none.
  const judged: RunOutcome["judged"] | undefined = outcome?.judged;
  if (judged?.verdict !== "collapsed") return null;
  return `The answers of this adapter have collapsed. ${judged.reason}\nIts files are right: any tool will load them, and give such answers.\n`;
}

export const zipOf = async (files: Readonly<Record<string, Uint8Array>>, warning: string | null): Promise<Blob> =>
  blobOf(await zipped(warning === null ? files : { "COLLAPSED.txt": text(warning), ...files }), "application/zip");

/** Everything mlx-lm needs, with the record of the run and its metrics. */
export async function mlxFiles(folder: RunFolder): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const files: Record<string, Uint8Array<ArrayBuffer>> = {};
  for (const name of [...ADAPTER_FILES, RECORD_FILE]) files[name] = await wanted(folder, name);
  files["metrics.jsonl"] = text(metricsJsonl(await folder.events()));
  return files;
}

/** From the very file that was verified, not from what is in memory. */
async function peftFiles(folder: RunFolder): Promise<Record<string, Uint8Array<ArrayBuffer>>> {
  const adapter = await importAdapter(folder.source());
  return Object.fromEntries(exportPeft(adapter).map(({ path, bytes }) => [path, bytes]));
}

async function ggufFile(folder: RunFolder, base: GgufBase): Promise<Uint8Array<ArrayBuffer>> {
  return exportGguf(await importAdapter(folder.source()), base).file.bytes;
}

export function metricsJsonl(events: readonly RunEvent[]): string {
  return stepsOf(events).map(metricsLine).join("");
}

/** For spreadsheets; the validation loss stands in the row of the update it was measured after. */
export function metricsCsv(events: readonly RunEvent[]): string {
  const validation = new Map(
    events.flatMap((event) => (event.type === "validation" ? [[event.step, event.loss]] : [])),
  );
  const header = "step,epoch,loss,grad_norm,learning_rate,tokens,supervised_tokens,seconds,validation_loss";
  const rows = stepsOf(events).map((event) =>
    [
      ...[event.step, event.epoch, event.loss, event.gradNorm, event.learningRate],
      ...[event.tokens, event.supervisedTokens, event.seconds, validation.get(event.step) ?? ""],
    ].join(","),
  );
  return `${[header, ...rows].join("\n")}\n`;
}

const stepsOf = (events: readonly RunEvent[]): StepEvent[] => events.filter((event) => event.type === "step");

async function wanted(folder: RunFolder, name: string): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await folder.read(name);
  if (bytes) return bytes;
  throw modelError(`the run has no ${name}`, "It ended before an adapter passed every check.");
}

/** Weights do not shrink, so they are stored as they are. */
function zipped(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array<ArrayBuffer>> {
  const entries: Zippable = {};
  for (const [name, bytes] of Object.entries(files))
    entries[name] = [bytes, { level: name.endsWith(".safetensors") ? 0 : 6 }];
  return new Promise((resolve, reject) => {
    zip(entries, { consume: false }, (error, data) => (error ? reject(error) : resolve(new Uint8Array(data))));
  });
}

export const text = (value: string): Uint8Array<ArrayBuffer> => new Uint8Array(strToU8(value));
const blobOf = (content: Uint8Array<ArrayBuffer> | string, type: string): Blob => new Blob([content], { type });
const typeOf = (name: string) => (name.endsWith(".json") ? "application/json" : "application/octet-stream");

/** "lorikeet-demo-2026-11-21" */
export function fileStem({ modelTitle, began }: Pick<StoredRun, "modelTitle" | "began">): string {
  const model = modelTitle.replace(/[^\w.-]+/g, "-").replace(/^-+|-+$/g, "");
  return `lorikeet-${model.toLowerCase()}-${new Date(began).toISOString().slice(0, 10)}`;
}
