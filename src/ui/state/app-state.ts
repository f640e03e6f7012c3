/** All that the page shows, in one plain value. The engine's part of it is copied from its events, never guessed. */
import type { ErrorData } from "../../core/errors.ts";
import type { Finding } from "../../health/finding.ts";
import type { KnobName, TrainConfig } from "../../train/config.ts";
import type { HealthEvent, VoiceEvent } from "../../train/events.ts";
import type { PresetName } from "../../train/presets.ts";
import type {
  AnswerEvent,
  CatalogueRow,
  DataState,
  KeptModel,
  MemoryPlan,
  MixState,
  ModelState,
  Opening,
  ProbeEvent,
  RunState,
  RunSummary,
  Side,
} from "../../worker/protocol.ts";

import { NO_TRIALS, type Trials } from "./trials.ts";

export const CARDS = ["model", "data", "train", "check", "download", "runs"] as const;
export type CardId = (typeof CARDS)[number];

export interface LogLine {
  readonly id: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly text: string;
  readonly tone: "neutral" | "good" | "warn" | "bad";
}

/** One exchange of the chat with the tuned model. */
export interface ChatTurn {
  readonly question: string;
  readonly answer: string;
  readonly ended: boolean | null;
}

export interface Comparison {
  readonly question: string;
  readonly sides: Readonly<Record<Side, AnswerEvent | null>>;
}

export interface AppState {
  /** null while the page looks at this browser. */
  readonly opening: Opening | null;
  /** The worker could not start, or broke off. */
  readonly broken: ErrorData | null;

  readonly model: ModelState;
  readonly catalogue: readonly CatalogueRow[] | null;
  readonly kept: readonly KeptModel[];
  readonly data: DataState;

  readonly preset: PresetName | "custom";
  /** Knobs as chosen, and the whole that comes of them; null with a problem among them. */
  readonly knobs: Readonly<Partial<Record<KnobName, unknown>>>;
  readonly config: TrainConfig | null;
  readonly knobProblem: ErrorData | null;
  readonly plan: MemoryPlan | null;
  readonly planError: ErrorData | null;
  /** Memory of this computer in GB as the person said; null: what the browser tells, or a guess. */
  readonly memoryGB: number | null;
  /** Questions asked while training; null: the first ones of the validation records. */
  readonly probes: readonly string[] | null;

  readonly run: RunState;
  /** Every answer to every probe so far, in order of time. */
  readonly probeAnswers: readonly ProbeEvent[];
  /** What the engine looked at before the first update; empty in runs of an older page. */
  readonly findings: readonly Finding[];
  /** What its guard saw and did, in order of time. */
  readonly health: readonly HealthEvent[];
  readonly voice: VoiceEvent | null;
  readonly log: readonly LogLine[];
  /** Update last reported, and seconds left once the speed is steady. */
  readonly step: number;
  readonly secondsLeft: number | null;
  /** The tab is hidden while training. */
  readonly hidden: boolean;

  /** Sweep of learning rates and diagnosis. */
  readonly trial: Trials;

  /** What the tuned answers come from, where that is not the run's adapter alone. */
  readonly mix: MixState | null;
  readonly comparison: Comparison | null;
  readonly chat: readonly ChatTurn[];
  /** A question is being answered, of this number: answers to others come too late. */
  readonly answering: "comparison" | "chat" | null;
  readonly asked: number;

  readonly runs: readonly RunSummary[];
  /** The interrupted run that the person will not go on with now. */
  readonly setAside: string | null;
  /** What an action of the person's led to, where no card shows it by itself. */
  readonly problem: { readonly card: CardId; readonly error: ErrorData } | null;

  /** Cards opened or closed by hand; all others follow the journey. */
  readonly opened: Readonly<Partial<Record<CardId, boolean>>>;
  /** Every request the page and its engine made to another host, and the files fetched from this one. */
  readonly requests: readonly { readonly url: string; readonly bytes: number | null; readonly count: number }[];
}

const NO_MODEL: ModelState = {
  ...{ choice: null, title: "", phase: "none", facts: null, modules: [], hasChatTemplate: false, downloadBytes: null },
  ...{ transfer: null, kept: false, warning: null, error: null },
};
const NO_DATA: DataState = {
  ...{
    phase: "none",
    source: null,
    title: "",
    progress: null,
    columns: [],
    needsMapping: false,
    proposal: null,
    mapping: null,
  },
  ...{ diagnosis: null, histogram: null, split: null, questions: [], error: null },
};
const NO_RUN: RunState = {
  ...{ id: null, phase: "idle", doing: "", config: null, start: null, probes: [], outcome: null, error: null },
};

export const INITIAL_STATE: AppState = {
  ...{ opening: null, broken: null, model: NO_MODEL, catalogue: null, kept: [], data: NO_DATA },
  ...{ preset: "trial", knobs: {}, config: null, knobProblem: null, plan: null, planError: null },
  ...{ memoryGB: null, probes: null, run: NO_RUN, probeAnswers: [], log: [], step: 0, secondsLeft: null },
  ...{ findings: [], health: [], voice: null, trial: NO_TRIALS },
  ...{
    hidden: false,
    mix: null,
    comparison: null,
    chat: [],
    answering: null,
    asked: 0,
    runs: [],
    setAside: null,
    problem: null,
    opened: {},
    requests: [],
  },
};

/** A run holds the GPU: model and data may not change under it. */
export const isRunning = ({ run }: AppState): boolean => !["idle", "done", "failed"].includes(run.phase);

/** What has the GPU, so that model and data stay and no other run may begin; null: nothing. */
export function holder(state: AppState): "A run" | "A trial" | null {
  if (isRunning(state)) return "A run";
  return state.trial.on === null ? null : "A trial";
}

/** Which card it is now: the first whose part is not done. */
export function currentCard(state: AppState): CardId {
  const { model, data, run } = state;
  if (isRunning(state)) return "train";
  if (run.phase === "done" && run.outcome?.usable) return "check";
  if (run.phase === "done" || run.phase === "failed") return "train";
  if (model.phase === "none" || model.phase === "failed" || model.phase === "reading") return "model";
  if (data.phase === "none" || data.phase === "failed") return "data";
  return "train";
}

export const isOpen = (state: AppState, card: CardId): boolean => state.opened[card] ?? currentCard(state) === card;
