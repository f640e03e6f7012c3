/**
 * The state of each part of the engine, and what its requests take and give: plain data that survives a structured clone.
 * The engine publishes a state as a whole, and the page shows it.
 */
import type { ErrorData } from "../core/errors.ts";
import type { Diagnosis } from "../data/doctor.ts";
import type { LengthBin } from "../data/histogram.ts";
import type { ColumnFacts, ColumnMapping } from "../data/mapping.ts";
import type { Support, SupportRow } from "../gpu/support.ts";
import type { Verdict } from "../health/finding.ts";
import type { TrainConfig } from "../train/config.ts";
import type { DiagnoseEvent } from "../train/diagnose.ts";
import type {
  DoneEvent,
  HealthEvent,
  PreflightEvent,
  ProbeEvent,
  SaveEvent,
  StartEvent,
  StepEvent,
  ValidationEvent,
  VoiceEvent,
} from "../train/events.ts";
import type { ModelFacts } from "../train/facts.ts";
import type { Blocks, MemoryPart } from "../train/memory-parts.ts";
import type { Message } from "../train/prompt.ts";
import type { SweepEvent } from "../train/rate-finder.ts";
import type { SelfTestResult } from "../train/self-test.ts";
import type { Judged } from "../train/verdict.ts";
import type { Check } from "../train/verify.ts";

export type { Diagnosis } from "../data/doctor.ts";
export type { LengthBin } from "../data/histogram.ts";
export type { ColumnFacts, ColumnMapping } from "../data/mapping.ts";
export type { Preview as ExamplePreview, RecordRow } from "../data/preview.ts";
export type { Support, SupportRow } from "../gpu/support.ts";
export type { AdapterAudit } from "../lora/audit.ts";
export type { CatalogueRow } from "../train/catalogue-estimate.ts";
export type { DiagnoseEvent } from "../train/diagnose.ts";
export type { ProbeEvent, StartEvent, StepEvent, ValidationEvent } from "../train/events.ts";
export type { ModelFacts } from "../train/facts.ts";
export type { Message } from "../train/prompt.ts";
export type { SweepEvent, SweepPointEvent } from "../train/rate-finder.ts";
export type { SelfTestResult } from "../train/self-test.ts";
export type { Check } from "../train/verify.ts";

/** Which model: the built-in one, one on the Hub, or a folder that was dropped. */
export type ModelPlace =
  | { readonly kind: "demo" }
  | { readonly kind: "hub"; readonly id: string; readonly revision?: string | undefined }
  | { readonly kind: "folder"; readonly name: string };

/** A model, and to how many bits its weights are coded while it loads; absent: it stays as published. */
export type ModelChoice = ModelPlace & { readonly quantize?: CodedBits | undefined };
export type CodedBits = 4 | 8;

/** A file that was dropped or chosen, with its path inside what was dropped. */
export interface DroppedFile {
  readonly path: string;
  readonly file: File;
}

export interface OpenOptions {
  /** Address of the folder the page lies in, with a slash at its end. */
  readonly base: string;
  /** The Hub, or a mirror of it. */
  readonly hub: string;
  /** Forms of the kernels that the person wants: see `Tuning`. */
  readonly forms?: string | null;
}

/** What the start found out. The GPU is ready only when `support` says so and every self-test passed. */
export interface Opening {
  readonly support: Support;
  /** What else of this browser matters: storage, locks. */
  readonly environment: readonly SupportRow[];
  readonly selfTests: readonly SelfTestResult[];
  readonly storage: StorageState;
  /** As the page was left, or null on a first visit. */
  readonly draft: Draft | null;
  /** Why nothing can be trained here, or null. */
  readonly blocked: ErrorData | null;
}

export interface StorageState {
  /** False: kept only until the tab closes. */
  readonly lasting: boolean;
  /** For people: "Kept in this browser on this machine." */
  readonly note: string;
  readonly usedBytes: number | null;
  readonly quotaBytes: number | null;
}

/** What the page remembers between visits beside models, data and runs. */
export interface Draft {
  readonly model: ModelChoice;
  readonly preset: string | null;
  readonly knobs: Readonly<Record<string, unknown>>;
  readonly memoryGB: number | null;
  readonly probes: readonly string[] | null;
  readonly data: { readonly kind: "sample" } | { readonly kind: "files"; readonly mapping: ColumnMapping | null };
}

/** Bytes of something that takes long. */
export interface Transfer {
  readonly done: number;
  readonly total: number;
  /** Null until it can be said. */
  readonly bytesPerSecond: number | null;
  readonly secondsLeft: number | null;
}

export interface ModelState {
  readonly choice: ModelChoice | null;
  /** "Built-in demo", "org/name", or the folder's name. */
  readonly title: string;
  /** known: config and tokenizer are read, weights are not; loading: from network or disk to the GPU. */
  readonly phase: "none" | "reading" | "known" | "loading" | "paused" | "ready" | "failed";
  readonly facts: (ModelFacts & { readonly maxTokens: number; readonly vocabulary: number }) | null;
  /** Leaf names of the linear layers an adapter can go on, in the model's order. */
  readonly modules: readonly string[];
  readonly hasChatTemplate: boolean;
  /** Weights, config and tokenizer together; null before the files are listed. */
  readonly downloadBytes: number | null;
  readonly transfer: Transfer | null;
  /** The files outlive the tab. */
  readonly kept: boolean;
  /** What could not be done although the model works, such as keeping its files. */
  readonly warning: ErrorData | null;
  readonly error: ErrorData | null;
}

export interface KeptModel {
  /** What `forgetModel` takes. */
  readonly key: string;
  readonly title: string;
  readonly choice: ModelChoice;
  readonly bytes: number;
  /** False when a download was broken off. */
  readonly whole: boolean;
}

export interface DataState {
  readonly phase: "none" | "reading" | "checking" | "ready" | "failed";
  readonly source: "sample" | "files" | null;
  readonly title: string;
  /** 0 to 1, while reading or checking. */
  readonly progress: number | null;
  readonly columns: readonly ColumnFacts[];
  /** The columns say nothing by themselves: somebody has to map them. */
  readonly needsMapping: boolean;
  readonly proposal: ColumnMapping | null;
  readonly mapping: ColumnMapping | null;
  readonly diagnosis: Diagnosis | null;
  readonly histogram: readonly LengthBin[] | null;
  /** Records that would be trained and validated on; `own`: the validation records came in a file of their own. */
  readonly split: { readonly train: number; readonly valid: number; readonly own: boolean } | null;
  /** First questions of the validation records, as probes. */
  readonly questions: readonly string[];
  readonly error: ErrorData | null;
}

/** Bytes on the device in one update of this run, by what they hold. */
export interface MemoryPlan {
  readonly weightBytes: number;
  /** Together they are the peak. */
  readonly parts: readonly MemoryPart[];
  readonly peakBytes: number;
  readonly budgetBytes: number;
  readonly verdict: "fits" | "tight" | "too-large";
  readonly blocks: Blocks;
  readonly updates: number;
  readonly updatesPerEpoch: number;
  readonly layers: { readonly adapted: number; readonly possible: number };
  readonly parameters: number;
  /** Module paths that get an adapter, for the picture. */
  readonly adaptedModules: readonly string[];
  readonly allModules: readonly string[];
}

export interface RunState {
  readonly id: string | null;
  readonly phase:
    | "idle"
    | "starting"
    | "training"
    | "pausing"
    | "paused"
    | "stopping"
    | "verifying"
    | "done"
    | "failed";
  /** What is being done right now, in words: "Loading the model", "Answering the probes". */
  readonly doing: string;
  readonly config: TrainConfig | null;
  readonly start: StartEvent | null;
  readonly probes: readonly string[];
  readonly outcome: RunOutcome | null;
  readonly error: ErrorData | null;
}

export interface RunOutcome {
  readonly done: Omit<DoneEvent, "adapter">;
  readonly checks: readonly Check[];
  readonly judged: Judged;
  /** The files may be downloaded: sound, and the answers have not collapsed. Collapsed ones are kept, and say so. */
  readonly usable: boolean;
  readonly adapterBytes: number;
}

/** What happens while training, in batches of at most ten a second. */
export type RunEvent =
  | StepEvent
  | ValidationEvent
  | ProbeEvent
  | PreflightEvent
  | HealthEvent
  | VoiceEvent
  | Pick<SaveEvent, "type" | "step">;

export interface RunSummary {
  readonly id: string;
  readonly title: string;
  readonly model: ModelChoice;
  readonly modelTitle: string;
  readonly dataTitle: string;
  /** Milliseconds since 1970. */
  readonly began: number;
  /** interrupted: it stood in the middle when its tab went away. */
  readonly status: "running" | "interrupted" | "finished" | "stopped" | "failed";
  readonly doneSteps: number;
  readonly totalSteps: number;
  /** Of the last checkpoint, 0 without one: what came after it is made again when the run goes on. */
  readonly savedStep: number;
  readonly lastLoss: number | null;
  readonly bestLoss: number | null;
  /** There is a checkpoint to go on from. */
  readonly resumable: boolean;
  readonly usable: boolean;
  /** Null before its end, and for runs of an older page. */
  readonly verdict: Verdict | null;
  readonly bytes: number;
}

export interface RunDetail {
  readonly summary: RunSummary;
  readonly config: TrainConfig;
  readonly probes: readonly string[];
  readonly events: readonly RunEvent[];
  readonly outcome: RunOutcome | null;
}

export interface Question {
  readonly id: number;
  readonly messages: readonly Message[];
  readonly sides: readonly Side[];
  readonly maxTokens: number;
  readonly temperature: number;
  readonly seed: number;
}

export type Side = "base" | "tuned";

/** What a trial tells: a sweep of learning rates, or a diagnosis. Neither keeps anything. */
export type TrialEvent = SweepEvent | DiagnoseEvent;

export interface AnswerEvent {
  readonly id: number;
  readonly side: Side;
  /** The whole answer so far. */
  readonly text: string;
  /** null while it is being made; then whether the model ended it by itself. */
  readonly ended: boolean | null;
}

export type RunFile =
  | "adapters.safetensors"
  | "adapter_config.json"
  | "mlx.zip"
  | "peft.zip"
  | "adapter.gguf"
  | "handoff.zip"
  | "run.json"
  | "metrics.jsonl"
  | "metrics.csv"
  | "report.html";

export interface NamedBlob {
  readonly name: string;
  readonly blob: Blob;
}

export interface PushRequest {
  readonly runId: string;
  /** org/name */
  readonly repository: string;
  readonly token: string;
  readonly private: boolean;
}
