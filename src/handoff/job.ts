/**
 * A job to be done elsewhere: what is asked for, and what is left of it. Optimizer moments are no part of it: neither
 * tool can load ours, so what is left begins with a warm-up of its own, from the adapter and the rate that were reached.
 */
import type { DataRecord } from "../data/records.ts";
import type { Adapter } from "../lora/adapter.ts";
import { scheduledRate, type TrainConfig, updateCount, warmupCount } from "../train/config.ts";
import { updatesInEpoch } from "../train/schedule-plan.ts";

export interface HandoffModel {
  /** As other tools find it: org/name, or a folder that only the person knows. */
  readonly name: string;
  /** A commit of the Hub. */
  readonly revision?: string | undefined;
  /** What the name stands for, where it is not the Hub's. */
  readonly note?: string | undefined;
  /** Weights in MLX's codes, which only MLX reads. */
  readonly quantized: boolean;
}

/** Records as they were read; those that training leaves out may be among them. */
export interface HandoffSet {
  readonly name: string;
  readonly records: readonly DataRecord[];
}

/** The length of the job, and the knobs of what is left of it. */
export interface Left {
  /** `steps` and `warmup` are numbers, `epochs` is "auto"; the rate is the one that was reached. */
  readonly config: TrainConfig;
  /** Updates of the whole job as planned here. */
  readonly total: number;
  /** Of these, done here. */
  readonly done: number;
  readonly updatesPerEpoch: number;
}

/**
 * Of a run of `examples` that has made `done` updates. One that is complete, or has not begun, is handed over whole: then
 * another round of the same length begins from its adapter.
 */
export function whatIsLeft(config: TrainConfig, examples: number, done: number): Left {
  const updatesPerEpoch = updatesInEpoch(examples, config);
  const total = updateCount(config, updatesPerEpoch);
  const whole = done <= 0 || done >= total;
  const updates = whole ? total : total - done;
  const reached = done < warmupCount(config, total) ? config.learningRate : scheduledRate(config, done, total);
  const rest = { ...config, steps: updates, epochs: "auto", ...(whole ? {} : { learningRate: reached }) } as const;
  // A warm-up that was given by hand may be longer than what is left.
  const warmup = whole ? warmupCount(config, total) : Math.min(warmupCount(rest, updates), Math.floor(updates / 2));
  return { config: { ...rest, warmup }, total, done: Math.max(0, done), updatesPerEpoch };
}

/** A micro-batch and how many of them make an update, for a tool that wants at least one micro-batch of every file. */
export interface Batch {
  readonly size: number;
  readonly accumulation: number;
  /** How often it goes into the micro-batch here. */
  readonly split: number;
}

/** The largest part of the micro-batch that is no larger than `smallest`, the records of the smallest file. */
export function batchWithin({ batchSize, gradAccumulationSteps }: TrainConfig, smallest: number): Batch {
  let split = 1;
  while (batchSize % split !== 0 || batchSize / split > Math.max(1, smallest)) split++;
  return { size: batchSize / split, accumulation: gradAccumulationSteps * split, split };
}

/** Rank and scale as one number each, which is all that configurations hold. */
export function strengthOf(config: TrainConfig, adapter: Adapter | null): { rank: number; scale: number } {
  return adapter
    ? { rank: adapter.rank, scale: adapter.scale }
    : { rank: config.rank, scale: config.alpha / (config.useRslora ? Math.sqrt(config.rank) : config.rank) };
}
