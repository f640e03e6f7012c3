/** What a training run tells its listener, as plain data: the same over a worker boundary and in process. */
import type { AnswerHealth } from "../health/answers.ts";
import type { Finding, Level } from "../health/finding.ts";
import type { VoiceScore } from "../health/voice.ts";
import type { Adapter } from "../lora/adapter.ts";
import type { Blocks } from "./memory-parts.ts";

/** Before the first update: what was looked at, good or bad, each with its reason and a fix. */
export interface PreflightEvent {
  readonly type: "preflight";
  readonly findings: readonly Finding[];
}

export interface StartEvent {
  readonly type: "start";
  /** Updates of the whole run, and how many a resumed run has behind it. */
  readonly totalSteps: number;
  readonly doneSteps: number;
  readonly updatesPerEpoch: number;
  readonly warmup: number;
  /** Adapted layers, tensors, parameters. */
  readonly layers: number;
  readonly tensors: number;
  readonly parameters: number;
  /** How many blocks are computed again during backward; an older version did not tell. */
  readonly blocks?: Blocks;
}

/** One optimizer update; the loss is that before it. */
export interface StepEvent {
  readonly type: "step";
  /** From 1. */
  readonly step: number;
  readonly epoch: number;
  /** Mean over the supervised tokens of the update, natural log. */
  readonly loss: number;
  /** Global norm before clipping. */
  readonly gradNorm: number;
  /** False when loss or gradient were not finite: the update was skipped. */
  readonly finite: boolean;
  readonly learningRate: number;
  readonly tokens: number;
  readonly supervisedTokens: number;
  /** Wall-clock seconds of this update. */
  readonly seconds: number;
}

export interface ValidationEvent {
  readonly type: "validation";
  /** Updates done before this measurement. */
  readonly step: number;
  /** Mean over supervised tokens. */
  readonly loss: number;
  readonly tokens: number;
  /** The lowest after an update so far: its adapter is the one to keep. */
  readonly best: boolean;
}

/** The answer to one probe question, greedy, with the adapter as it is after `step` updates. */
export interface ProbeEvent {
  readonly type: "probe";
  readonly step: number;
  /** Which question, from 0. */
  readonly index: number;
  readonly text: string;
  /** False when the answer was cut off at its longest length. */
  readonly ended: boolean;
  /** Compared with the base's answer to the same question; that of the base itself is judged alone. */
  readonly health: AnswerHealth;
}

/** Something about the course of a run that a person should know, and what was done about it. */
export interface HealthEvent {
  readonly type: "health";
  /** Updates submitted when it was decided. */
  readonly step: number;
  readonly kind: HealthKind;
  readonly level: Level;
  /** A sentence with the numbers it rests on. */
  readonly text: string;
  readonly fix?: string;
  /** The adapter was put back to where it stood after `toStep` updates; rates are `rateFactor` times the schedule's now. */
  readonly rollback?: { readonly toStep: number; readonly rateFactor: number; readonly skippedUpdate: number };
}

export type HealthKind =
  | "skipped" // an update that was not finite was not applied
  | "spike"
  | "rise"
  | "non-finite"
  | "plateau"
  | "overfitting"
  | "answers" // of the probes, when their verdict changes
  | "gave-up" // diverged again after the last rollback: the run ends
  | "early-stop";

/** How close answers come to the dataset's manner, 0 to 1 (health/voice.ts), before and after. */
export interface VoiceEvent {
  readonly type: "voice";
  /** Updates behind the adapter that was measured. */
  readonly step: number;
  /** Validation questions that were answered. */
  readonly questions: number;
  readonly base: VoiceScore;
  readonly tuned: VoiceScore;
}

export interface SaveEvent {
  readonly type: "save";
  readonly step: number;
  readonly adapter: Adapter;
  /** Everything needed to go on exactly here. */
  readonly checkpoint: Uint8Array<ArrayBuffer>;
}

export interface DoneEvent {
  readonly type: "done";
  readonly steps: number;
  /** The adapter to keep: of the best validation loss where there is validation, else of the last update. */
  readonly adapter: Adapter;
  readonly chosen: "best" | "last";
  readonly chosenStep: number;
  readonly skippedUpdates: number;
  /** Stopped by hand. */
  readonly stopped: boolean;
  /** Ended before its last update by itself. */
  readonly endedEarly: "early-stop" | "gave-up" | null;
  readonly rollbacks: number;
  /** Factors that should have moved since the run began and have not: "model.layers.0.self_attn.q_proj.lora_B". */
  readonly unmoved: readonly string[];
  /** Frozen tensors that are not what they were before the run; there must be none. */
  readonly baseChanged: readonly string[];
  /** Of the last round of probes, with this adapter; null without probes. */
  readonly answers: AnswerHealth | null;
}

export type TrainEvent =
  | PreflightEvent
  | StartEvent
  | StepEvent
  | ValidationEvent
  | ProbeEvent
  | HealthEvent
  | VoiceEvent
  | SaveEvent
  | DoneEvent;
