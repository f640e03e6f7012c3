/** Invented data for the gallery: a run, a dataset's lengths, a text in tokens. */
import type { Points, Series } from "../../../src/ui/kit/charts/line-chart.tsx";
import { ema } from "../../../src/ui/kit/charts/smooth.ts";

/** The same numbers at every visit. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export interface Run {
  readonly loss: Points;
  readonly smooth: Points;
  readonly validation: Points;
  readonly norm: Points;
  readonly rate: Points;
  readonly speed: Points;
}

/** A run of `steps` updates whose loss falls from 2.3 to about 1.4. */
export function inventRun(steps: number): Run {
  const next = random(7);
  const noise = () => next() + next() + next() - 1.5;
  const curve = (count: number, every: number, value: (step: number) => number): Points => {
    const x = Float64Array.from({ length: count }, (_, i) => (i + 1) * every);
    return { x, y: x.map(value), count };
  };
  const falling = (step: number) => 1.38 + 0.95 * Math.exp((-6 * step) / steps);
  const loss = curve(steps, 1, (step) => falling(step) + 0.12 * noise());
  return {
    loss,
    smooth: ema(loss, 0.9),
    validation: curve(8, steps / 8, (step) => falling(step) + 0.08 + 0.02 * noise()),
    norm: curve(steps, 1, (step) => 0.4 + Math.exp((-4 * step) / steps) + 0.1 * Math.abs(noise())),
    rate: curve(steps, 1, (step) => 2e-4 * Math.min(1, step / (0.1 * steps)) * (1 - (0.9 * step) / steps)),
    speed: curve(steps, 1, () => 1480 + 60 * noise()),
  };
}

/** A source of points that a test can add to. */
export function growing(points: Points) {
  const listeners = new Set<() => void>();
  let shown = points.count;
  return {
    points: (): Points => ({ ...points, count: shown }),
    show(count: number) {
      shown = Math.min(points.count, count);
      for (const listener of listeners) listener();
    },
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

/** The run on the stage, whose loss a test can let grow. */
export const RUN = inventRun(600);
export const LIVE = growing(RUN.loss);

export const still = (): (() => void) => () => {};

/** One curve that does not move. */
export const oneSeries = (label: string, hue: Series["hue"], points: Points): readonly Series[] => [
  { label, hue, points: () => points },
];

/** Lengths of examples, a few of them beyond 512 tokens. */
export function inventLengths(): number[] {
  const next = random(3);
  return Array.from({ length: 800 }, () => Math.round(40 + 520 * (next() * next() + 0.12 * next())));
}

const WORDS = "the lorikeet answers in a small clear voice and tells what it saw over river".split(" ");

/** `count` tokens, in turns of question and answer. */
export function inventTokens(count: number) {
  const next = random(11);
  return Array.from({ length: count }, (_, i) => {
    const turn = Math.floor(i / 24) % 2;
    const place = i % 24;
    if (place === 0) return { text: turn ? "<|assistant|>" : "<|user|>", id: 3 + turn, loss: false, special: true };
    if (place === 23) return { text: "<|end|>\n", id: 2, loss: turn === 1, special: true };
    const at = Math.floor(next() * WORDS.length);
    return { text: `${place === 1 ? "" : " "}${WORDS[at]}`, id: 100 + at, loss: turn === 1 };
  });
}
