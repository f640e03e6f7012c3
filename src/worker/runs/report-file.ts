/** The run report out of a run's own folder: its record, everything that happened, and the adapter that was written. */
import { LorikeetError, modelError } from "../../core/errors.ts";
import { parseJson } from "../../core/json.ts";
import type { DatasetReport } from "../../data/encode.ts";
import { auditAdapter } from "../../lora/audit.ts";
import { importAdapter } from "../../lora/import.ts";
import type { ReportInput } from "../../report/input.ts";
import type { StartEvent } from "../../train/events.ts";
import type { RunDescription } from "../../train/run-record.ts";
import type { RunOutcome } from "../protocol.ts";
import { ADAPTER_FILES, RECORD_FILE, type RunFolder, type StoredRun } from "./run-folder.ts";

type Dataset = { readonly file: string } & DatasetReport;

/** run.json as `runRecord` writes it, as far as the report needs it. */
interface RecordOfRun extends Pick<RunDescription, "status" | "versions" | "device" | "model" | "resumed"> {
  readonly began: string;
  readonly ended: string;
  readonly data: { readonly train: Dataset; readonly valid: Dataset | null };
  readonly peak_bytes: number;
  readonly trainable: Pick<StartEvent, "layers" | "tensors" | "parameters"> | null;
  readonly plan: {
    readonly updates: number;
    readonly done_before: number;
    readonly updates_per_epoch: number;
    readonly warmup: number;
    readonly blocks?: StartEvent["blocks"];
  } | null;
}

/** The HTML. Throws ModelError for a run that did not come to its end: it has no record. */
export async function reportFile(folder: RunFolder, state: StoredRun): Promise<string> {
  const bytes = await folder.read(RECORD_FILE);
  if (!bytes)
    throw modelError(`the run has no ${RECORD_FILE}`, "It did not come to its end, so there is nothing to report.");
  // Written by this page, so only its JSON is checked.
  const record = parseJson(new TextDecoder().decode(bytes), RECORD_FILE) as unknown as RecordOfRun;
  // Only who wants a report loads it.
  const { runReport } = await import("../../report/report.ts");
  return runReport(await inputOf(folder, state, record));
}

async function inputOf(folder: RunFolder, state: StoredRun, record: RecordOfRun): Promise<ReportInput> {
  const events = await folder.events();
  const { status, versions, device, model, resumed, began, ended, data } = record;
  const { outcome } = state;
  // A run of an older page has none.
  const judged: RunOutcome["judged"] | undefined = outcome?.judged;
  return {
    ...{ status, versions, device, model, resumed, began, ended, config: state.config, title: state.title },
    ...{ train: named(data.train), valid: data.valid && named(data.valid), peakBytes: record.peak_bytes },
    verdict: judged?.verdict ?? null,
    reason: judged?.reason ?? "This run was made by an older page, which judged the checks alone.",
    preflight: events.findLast((event) => event.type === "preflight")?.findings ?? [],
    start: startOf(record),
    steps: events.filter((event) => event.type === "step"),
    validations: events.filter((event) => event.type === "validation"),
    health: events.filter((event) => event.type === "health"),
    questions: state.probes,
    probes: events.filter((event) => event.type === "probe"),
    voice: events.findLast((event) => event.type === "voice") ?? null,
    done: outcome?.done ?? null,
    checks: outcome?.checks ?? [],
    audit: await auditOf(folder),
    files: await filesOf(folder),
  };
}

const named = ({ file, ...report }: Dataset) => ({ name: file, report });

function startOf({ plan, trainable }: RecordOfRun): StartEvent | null {
  if (!plan || !trainable) return null;
  const { updates, done_before, updates_per_epoch, warmup, blocks } = plan;
  const counts = { totalSteps: updates, doneSteps: done_before, updatesPerEpoch: updates_per_epoch, warmup };
  return { type: "start", ...counts, ...trainable, ...(blocks && { blocks }) };
}

/** null: a broken adapter's files were removed. */
async function auditOf(folder: RunFolder): Promise<ReportInput["audit"]> {
  try {
    return auditAdapter(await importAdapter(folder.source()));
  } catch (error) {
    if (error instanceof LorikeetError) return null;
    throw error;
  }
}

async function filesOf(folder: RunFolder): Promise<ReportInput["files"]> {
  const files = await Promise.all(
    [...ADAPTER_FILES, RECORD_FILE].map(async (name) => ({ name, bytes: (await folder.read(name))?.length ?? null })),
  );
  return files.filter(({ bytes }) => bytes !== null);
}
