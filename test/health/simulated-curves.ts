/** Seeded courses of training runs, healthy and diverging, with the kinds of noise that batches bring. */
import type { Random } from "../../src/core/random.ts";
import { type Alarm, TrendWatch, type UpdateFacts } from "../../src/health/trend.ts";

/** A batch's loss as a multiple of the course's; the median of each is about 1. */
export type Noise =
  | { readonly kind: "normal"; readonly deviation: number }
  /** Student's t with three degrees of freedom, of the logarithm. */
  | { readonly kind: "heavy"; readonly deviation: number }
  /** Some batches are so many times as hard. */
  | { readonly kind: "bimodal"; readonly deviation: number; readonly share: number; readonly factor: number }
  /** Means of few tokens: a gamma distribution. */
  | { readonly kind: "few-tokens"; readonly tokens: number };

export interface Course {
  readonly updates: number;
  readonly start: number;
  readonly end: number;
  /** Updates over which the loss falls to 1 / e of its way. */
  readonly time: number;
  /** Every so many updates the loss drops by a factor. */
  readonly epoch: number;
  readonly drop: number;
  readonly noise: Noise;
  /** Scatter of ln(gradient norm), and its power of the batch's hardness. */
  readonly gradientDeviation: number;
  readonly gradientPower: number;
}

export interface Divergence {
  /** Update (from 0) whose loss is the first to be wrong. */
  readonly onset: number;
  /** What it does to the loss so many updates after the onset. */
  readonly shape: (loss: number, after: number) => number;
  /** How many times as large gradients get; 1 = the loss alone tells. */
  readonly gradients: number;
}

const pick = <T>(random: Random, items: readonly T[]): T => items[random.below(items.length)]!;
const between = (random: Random, low: number, high: number): number => low + (high - low) * random.uniform();

function randomNoise(random: Random): Noise {
  const deviation = pick(random, [0.02, 0.05, 0.1, 0.2, 0.35, 0.5]);
  switch (random.below(4)) {
    case 0:
      return { kind: "normal", deviation };
    case 1:
      return { kind: "heavy", deviation: deviation / 2 };
    case 2: {
      const share = pick(random, [0.02, 0.05, 0.1, 0.2, 0.3, 0.5]);
      return { kind: "bimodal", deviation: deviation / 2, share, factor: pick(random, [1.5, 2, 3, 6]) };
    }
    default:
      return { kind: "few-tokens", tokens: pick(random, [2, 4, 10, 30, 100]) };
  }
}

/** A run as it should be: falling fast or slowly, level, in epochs, overfitted, at random weights. */
export function healthyCourse(random: Random): Course {
  const start = pick(random, [0.7, 1.5, 2, 3, 6.93, 11.9]);
  const epoch = pick(random, [0, 0, 8, 20, 64]);
  return {
    updates: 20 + random.below(381),
    start,
    end: start * pick(random, [1, 0.9, 0.6, 0.3, 0.1, 0.005]),
    time: pick(random, [3, 8, 20, 60, 200]),
    epoch,
    drop: epoch === 0 ? 1 : between(random, 0.5, 0.95),
    noise: randomNoise(random),
    gradientDeviation: pick(random, [0.1, 0.3, 0.6]),
    gradientPower: pick(random, [0, 0.5, 1, 1.5]),
  };
}

/** The beginning of a run on ordinary noise, with a loss high enough to have something to lose. */
export function courseToDiverge(random: Random): Course {
  for (;;) {
    const course = healthyCourse(random);
    const start = between(random, 1.5, 3.5);
    const end = start * between(random, 0.25, 1);
    const drop = Math.max(course.drop, 0.9);
    if (scatterOf(course.noise) <= 0.35)
      return { ...course, start, end, drop, gradientDeviation: 0.4, gradientPower: 1 };
  }
}

/** The updates of `course`, or of one that diverges. */
export function simulate(course: Course, random: Random, divergence?: Divergence): UpdateFacts[] {
  return Array.from({ length: course.updates }, (_, i) => {
    const fallen = Math.exp(-i / course.time);
    const epochs = course.epoch === 0 ? 0 : Math.floor(i / course.epoch);
    const healthy = (course.end + (course.start - course.end) * fallen) * course.drop ** epochs;
    const after = divergence ? i - divergence.onset : -1;
    const loss = after < 0 ? healthy : divergence!.shape(healthy, after);
    const hardness = noiseFactor(course.noise, random);
    const gradients = after < 0 ? 1 : divergence!.gradients;
    const gradNorm =
      gradients * hardness ** course.gradientPower * Math.exp(course.gradientDeviation * random.normal());
    return { step: i + 1, loss: loss * hardness, gradNorm, finite: true };
  });
}

function noiseFactor(noise: Noise, random: Random): number {
  switch (noise.kind) {
    case "normal":
      return Math.exp(noise.deviation * random.normal());
    case "heavy": {
      const chi = [0, 0, 0].reduce((sum) => sum + random.normal() ** 2, 0);
      return Math.exp((noise.deviation * random.normal()) / Math.sqrt(chi / 3));
    }
    case "bimodal": {
      const hard = random.uniform() < noise.share ? noise.factor : 1;
      return hard * Math.exp(noise.deviation * random.normal());
    }
    case "few-tokens": {
      let sum = 0;
      for (let i = 0; i < noise.tokens; i++) sum -= Math.log(1 - random.uniform());
      return sum / noise.tokens;
    }
  }
}

/** Scatter of ln(loss) that the noise brings, roughly. */
export function scatterOf(noise: Noise): number {
  switch (noise.kind) {
    case "normal":
      return noise.deviation;
    case "heavy":
      return noise.deviation * Math.sqrt(3);
    case "bimodal":
      return Math.hypot(noise.deviation, Math.log(noise.factor) * Math.sqrt(noise.share * (1 - noise.share)));
    case "few-tokens":
      return 1 / Math.sqrt(noise.tokens);
  }
}

/** What a watch says first of these updates. */
export function firstAlarm(updates: readonly UpdateFacts[], watch = new TrendWatch()): Alarm | null {
  for (const update of updates) {
    const alarm = watch.add(update);
    if (alarm) return alarm;
  }
  return null;
}
