/** What a training run tells its listener, as plain data: the same over a worker boundary and in process. */
import type { Adapter } from "../lora/adapter.ts";

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
  readonly checkpointing: boolean;
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
  readonly stopped: boolean;
}

export type TrainEvent = StartEvent | StepEvent | ValidationEvent | ProbeEvent | SaveEvent | DoneEvent;
