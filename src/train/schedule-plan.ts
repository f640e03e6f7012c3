/** Which examples make which update: a pure function of the configuration, so a resumed run needs only its step. */
import { planEpoch } from "../data/batches.ts";
import { type TrainConfig, updateCount } from "./config.ts";

export interface Update {
  /** From 0. */
  readonly epoch: number;
  /** One list of example indices per micro-batch. */
  readonly microBatches: readonly (readonly number[])[];
}

export interface UpdatePlan {
  readonly updatesPerEpoch: number;
  readonly totalSteps: number;
  /** The update of a step from 0. */
  at(step: number): Update;
}

/** Batches per window in which examples are sorted by length. */
const BUCKET = 50;

/** Updates that one pass over so many examples makes. */
export function updatesInEpoch(examples: number, { batchSize, gradAccumulationSteps }: TrainConfig): number {
  return Math.ceil(Math.ceil(examples / batchSize) / gradAccumulationSteps);
}

/**
 * An update takes `gradAccumulationSteps` micro-batches; the last update of an epoch takes what is left, so that no
 * example is lost at its end.
 */
export function planUpdates(lengths: readonly number[], config: TrainConfig): UpdatePlan {
  const { batchSize, gradAccumulationSteps, shuffle, seed } = config;
  const updatesPerEpoch = updatesInEpoch(lengths.length, config);
  let planned: { epoch: number; batches: number[][] } | null = null;
  return {
    updatesPerEpoch,
    totalSteps: updateCount(config, updatesPerEpoch),
    at(step) {
      const epoch = Math.floor(step / updatesPerEpoch);
      if (planned?.epoch !== epoch) {
        const batches = planEpoch(lengths, { batchSize, shuffle, seed, epoch, bucket: shuffle ? BUCKET : 1 });
        planned = { epoch, batches };
      }
      const first = (step % updatesPerEpoch) * gradAccumulationSteps;
      return { epoch, microBatches: planned.batches.slice(first, first + gradAccumulationSteps) };
    },
  };
}
