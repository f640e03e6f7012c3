/**
 * What the page and its engine, which lives in a worker, say to each other. The engine is the only one that knows what is
 * so: it publishes the state of each part (states.ts), and the page shows it. Requests are the methods of `Engine`; a
 * refused one rejects with a LorikeetError.
 */
import type { ErrorData } from "../core/errors.ts";
import type { ColumnMapping } from "../data/mapping.ts";
import type { Preview as ExamplePreview, RecordRow } from "../data/preview.ts";
import type { AdapterAudit } from "../lora/audit.ts";
import type { CatalogueRow } from "../train/catalogue-estimate.ts";
import type { TrainConfig } from "../train/config.ts";

import type { MixFile, MixLoss, MixPart, MixState } from "./mix-state.ts";
import type {
  AnswerEvent,
  CodedBits,
  DataState,
  Draft,
  DroppedFile,
  KeptModel,
  MemoryPlan,
  ModelChoice,
  ModelState,
  NamedBlob,
  Opening,
  OpenOptions,
  PushRequest,
  Question,
  RunDetail,
  RunEvent,
  RunFile,
  RunState,
  RunSummary,
  TrialEvent,
} from "./states.ts";

export { baseOf } from "./base-of.ts";
export type * from "./mix-state.ts";
export type * from "./states.ts";

/** What the engine says by itself. */
export type EngineEvent =
  | { readonly type: "model"; readonly state: ModelState }
  | { readonly type: "data"; readonly state: DataState }
  | { readonly type: "run"; readonly state: RunState }
  | { readonly type: "progress"; readonly events: readonly RunEvent[] }
  | { readonly type: "mix"; readonly state: MixState | null }
  | { readonly type: "answer"; readonly answer: AnswerEvent }
  | { readonly type: "trial"; readonly event: TrialEvent }
  | { readonly type: "request"; readonly url: string; readonly bytes: number | null };

/** Every method of `Engine`, for the two ends of the wire. */
export const ENGINE_METHODS = [
  ...([
    "open",
    "saveDraft",
    "catalogue",
    "keptModels",
    "forgetModel",
    "chooseModel",
    "quantizeModel",
    "loadModel",
  ] as const),
  ...(["pauseDownload", "openData", "openSample", "mapColumns", "examineData", "dataRows", "previewRecord"] as const),
  ...(["cleanedData", "plan", "startRun", "pauseRun", "resumeRun", "stopRun", "runs", "runDetail"] as const),
  ...([
    "continueRun",
    "openRun",
    "openAdapter",
    "forgetRun",
    "findRate",
    "diagnose",
    "stopTrial",
    "ask",
    "stopAnswer",
    "audit",
    "runFile",
    "pushToHub",
    "logits",
  ] as const),
  ...(["mixAdapters", "mixLoss", "mixFile"] as const),
] as const satisfies readonly (keyof Engine)[];

export type EngineMethod = (typeof ENGINE_METHODS)[number];

/** Page to worker. */
export interface Request {
  readonly id: number;
  readonly method: EngineMethod;
  readonly args: readonly unknown[];
}

/** Worker to page. */
export type Reply =
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refusal"; readonly id: number; readonly error: ErrorData }
  | { readonly kind: "event"; readonly event: EngineEvent };

/** What the page can ask. One thing of each kind runs at a time. */
export interface Engine {
  open(options: OpenOptions): Promise<Opening>;
  saveDraft(draft: Draft): Promise<void>;

  catalogue(memoryGB: number | null): Promise<CatalogueRow[]>;
  keptModels(): Promise<KeptModel[]>;
  forgetModel(key: string): Promise<void>;
  /** Reads config and tokenizer. `files` with a dropped folder; `token` for gated models, kept in memory only. */
  chooseModel(choice: ModelChoice, options: { files?: readonly DroppedFile[]; token?: string }): Promise<void>;
  /** Brings the weights to the GPU; goes on where an earlier download stopped. */
  /** Codes the weights of the chosen model to so many bits when it loads, or leaves them as published. */
  quantizeModel(bits: CodedBits | null): Promise<void>;
  loadModel(): Promise<void>;
  pauseDownload(): Promise<void>;

  /** Train and, when a name says so, validation records; null: those of the last visit. */
  openData(files: readonly DroppedFile[] | null): Promise<void>;
  openSample(): Promise<void>;
  /** Reads the records again with columns mapped by hand; null: as detected. */
  mapColumns(mapping: ColumnMapping | null): Promise<void>;
  /** Examines the data again for these knobs (maxSeqLength, maskPrompt, seed); during a trial, once that has ended. */
  examineData(config: TrainConfig): Promise<void>;
  dataRows(offset: number, count: number): Promise<RecordRow[]>;
  previewRecord(index: number, config: TrainConfig): Promise<ExamplePreview>;
  cleanedData(): Promise<NamedBlob>;

  /** Null until model and data are known. */
  plan(config: TrainConfig, memoryGB: number | null): Promise<MemoryPlan | null>;

  startRun(config: TrainConfig, probes: readonly string[]): Promise<void>;
  pauseRun(): Promise<void>;
  resumeRun(): Promise<void>;
  /** Ends after the update under way, and keeps what was learnt. */
  stopRun(): Promise<void>;
  runs(): Promise<RunSummary[]>;
  runDetail(id: string): Promise<RunDetail>;
  /** Loads the run's model and data and trains on from its last checkpoint. */
  continueRun(id: string): Promise<void>;
  /** Puts the adapter of an earlier run on its model, to be asked and downloaded. */
  openRun(id: string): Promise<void>;
  /** Puts an adapter of MLX, PEFT or llama.cpp on the chosen model, and keeps it among the runs. */
  openAdapter(files: readonly DroppedFile[]): Promise<void>;
  forgetRun(id: string): Promise<void>;

  /** Sweeps learning rates on a throw-away adapter; what it finds comes as trial events. Loads the model where it must. */
  findRate(config: TrainConfig): Promise<void>;
  /**
   * Goes through the five phases of the diagnostic with a throw-away adapter; they come as trial events. `runId`: on the
   * records of this run; null: on those of the Data card.
   */
  diagnose(config: TrainConfig, runId: string | null): Promise<void>;
  stopTrial(): Promise<void>;

  /** Answers come as events. */
  ask(question: Question): Promise<void>;
  stopAnswer(): Promise<void>;
  /** Of the adapter at hand: how much each layer changed. */
  audit(): Promise<AdapterAudit>;
  runFile(id: string, file: RunFile): Promise<NamedBlob>;
  pushToHub(request: PushRequest): Promise<{ readonly url: string }>;

  /**
   * Puts the sum of these runs' adapters on the model, each with its weight; the shown run alone with weight 1 is that
   * adapter as it is, and no mix. Another run, another model and a lost GPU end it.
   */
  mixAdapters(parts: readonly MixPart[]): Promise<void>;
  /** What the mix that stands would lose under this rank; null: its own. */
  mixLoss(rank: number | null): Promise<MixLoss>;
  mixFile(file: MixFile, rank: number | null): Promise<NamedBlob>;

  /** f32 [T, V] of one sequence, with the adapter at hand. For scripts and tests. */
  logits(ids: readonly number[]): Promise<Float32Array>;
}
