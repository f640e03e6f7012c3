/**
 * The learning-rate finder: up to 60 updates of a throw-away adapter at rates that grow geometrically, and what the loss
 * does. The loss is measured after every update on the same examples, kept out of the updates: from batch to batch of an
 * update it differs by a tenth and more, which would hide the curve, while on fixed examples it moves smoothly. That
 * costs a forward for each update. Nothing is kept; the model is as before at the end.
 */
import { configError } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import type { Example } from "../data/encode.ts";
import type { Device } from "../gpu/device.ts";
import { hasBlownUp, type RatePoint, type RateSuggestion, suggestRate } from "../health/rate-finder.ts";
import { suitableRate } from "../health/step-size.ts";
import type { CausalLM } from "../models/model.ts";
import type { TrainConfig } from "./config.ts";
import { evaluate } from "./evaluate.ts";
import { modelFacts } from "./facts.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { Trial } from "./trial.ts";

/** Most updates of a sweep, and how many it has unless told. */
export const MAX_SWEEP = 60;
/** Examples that the loss is measured on. */
const MEASURED = 8;
/** How far the sweep reaches below and above the rate that suits the model and the adapter's scale. */
const REACH = 50;

export interface RateFinderRequest {
  /** Rate, schedule, warm-up and length do not count. */
  readonly config: TrainConfig;
  readonly train: readonly Example[];
  /** Where there are some, the loss is measured on these. */
  readonly valid?: readonly Example[];
  /** Both from `sweepRange` unless given. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** At most 60, the default. */
  readonly updates?: number | undefined;
  /** Memory of this machine, where there is an idea of it. */
  readonly budget?: MemoryBudget | undefined;
  /** Ends the sweep after the update that is on; the curve so far is read all the same. */
  readonly signal?: AbortSignal | undefined;
}

export interface SweepStartEvent {
  readonly type: "sweep-start";
  readonly from: number;
  readonly to: number;
  readonly updates: number;
  /** Loss before the first update, on the examples that are measured. */
  readonly startLoss: number;
  readonly measured: { readonly examples: number; readonly tokens: number };
}

export interface SweepPointEvent extends RatePoint {
  readonly type: "sweep-point";
  /** From 1. */
  readonly update: number;
  /** Loss of the update's own batch, before it. */
  readonly batchLoss: number;
  readonly gradNorm: number;
}

export interface SweepEndEvent {
  readonly type: "sweep-end";
  readonly updates: number;
  /** Stopped by hand. */
  readonly stopped: boolean;
  readonly suggestion: RateSuggestion;
}

/** Plain data, for the command line and the page. */
export type SweepEvent = SweepStartEvent | SweepPointEvent | SweepEndEvent;

/** Rates worth trying: nearly two decades on both sides of the one that suits. */
export function sweepRange(
  parameters: number,
  { alpha, rank, useRslora }: Pick<TrainConfig, "alpha" | "rank" | "useRslora">,
) {
  const middle = suitableRate({ alpha, rank, useRslora, parameters });
  return { from: middle / REACH, to: Math.min(0.5, middle * REACH) };
}

/**
 * Sweeps and yields what happens; the last event has the suggestion. An adapter that was on the model is on it again at
 * the end, whether the sweep ended, was stopped or failed. Deterministic in the configuration's seed.
 */
export async function* findRate(
  { device, model }: { readonly device: Device; readonly model: CausalLM },
  request: RateFinderRequest,
): AsyncGenerator<SweepEvent> {
  const { config, signal } = request;
  const usual = sweepRange(modelFacts(model).parameters, config);
  const from = request.from ?? usual.from;
  const to = request.to ?? usual.to;
  if (!(from < to)) {
    const hint = "Give both ends, or move the one that was given: rates go up from the lowest to the highest.";
    throw configError(`learning rates of the sweep: expected lowest below highest, got ${from} and ${to}`, hint);
  }
  const updates = Math.min(request.updates ?? MAX_SWEEP, MAX_SWEEP);
  const { train, measured } = keepOut(request);
  const trial = await Trial.begin({ device, model, config, train, budget: request.budget });
  try {
    const measure = () => evaluate(device, model, measured, { batchSize: config.batchSize });
    const { loss: startLoss, tokens } = await measure();
    yield { type: "sweep-start", from, to, updates, startLoss, measured: { examples: measured.length, tokens } };
    const points: RatePoint[] = [];
    for (let i = 0; i < updates && !signal?.aborted; i++) {
      const rate = from * (to / from) ** (i / Math.max(1, updates - 1));
      const { loss: batchLoss, gradNorm, finite } = await trial.update(rate);
      // An update that is not finite is not applied; the damage was done by the one before, and the sweep is over.
      const loss = finite ? (await measure()).loss : Number.NaN;
      points.push({ rate, loss });
      yield { type: "sweep-point", update: i + 1, rate, loss, batchLoss, gradNorm };
      if (hasBlownUp(losses(points), startLoss)) break;
    }
    const stopped = signal?.aborted ?? false;
    yield { type: "sweep-end", updates: points.length, stopped, suggestion: suggestRate(points, startLoss) };
  } finally {
    trial.free();
  }
}

const losses = (points: readonly RatePoint[]): number[] => points.map(({ loss }) => loss);

/** Examples to measure on: of the validation set, else kept out of training, else, of very few, some of the same. */
export function keepOut({ train, valid = [], config }: Pick<RateFinderRequest, "train" | "valid" | "config">) {
  const random = new Random(config.seed);
  if (valid.length > 0) return { train, measured: random.shuffle([...valid]).slice(0, MEASURED) };
  const order = random.shuffle(train.map((_, i) => i));
  const measured = new Set(order.slice(0, MEASURED));
  const rest = train.filter((_, i) => !measured.has(i));
  const enough = rest.length >= 2 * MEASURED;
  return { train: enough ? rest : train, measured: train.filter((_, i) => measured.has(i)) };
}
