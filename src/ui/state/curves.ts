/**
 * The numbers of a run, in typed arrays outside React: charts read them when they draw, at most four times a second,
 * however fast they come.
 */

import type { RunEvent } from "../../worker/protocol.ts";
import { createEma } from "../kit/charts/smooth.ts";
import { createThrottle } from "../kit/throttle.ts";

/** x is the update; only the first `count` values are filled. */
export interface Points {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly count: number;
}

export const CURVES = [
  "loss",
  "smoothedLoss",
  "validationLoss",
  "gradNorm",
  "learningRate",
  "tokensPerSecond",
] as const;
export type CurveName = (typeof CURVES)[number];

/** Share of the old value in the smoothed one: about the last five updates are heard. */
export const SMOOTHING = 0.8;
/** Milliseconds between two words to the listeners: four a second. */
const NOTICE_EVERY = 250;

export interface Curves {
  points(name: CurveName): Points;
  /** Newest value, or null. */
  last(name: CurveName): number | null;
  add(events: readonly RunEvent[]): void;
  clear(): void;
  /** Hears of new points at most four times a second. Returns the way to end it. */
  subscribe(listener: () => void): () => void;
}

export function createCurves(): Curves {
  let series = emptySeries();
  let smooth = createEma(SMOOTHING);
  const listeners = new Set<() => void>();
  const notice = createThrottle<null>(NOTICE_EVERY, () => {
    for (const listener of [...listeners]) listener();
  });
  const notify = () => notice.push(null);
  const take = (event: RunEvent) => {
    if (event.type === "validation") series.validationLoss.add(event.step, event.loss);
    if (event.type !== "step") return;
    const { step, loss, gradNorm, learningRate, tokens, seconds } = event;
    series.learningRate.add(step, learningRate);
    series.tokensPerSecond.add(step, tokens / seconds);
    if (!event.finite) return;
    series.loss.add(step, loss);
    series.smoothedLoss.add(step, smooth(loss));
    series.gradNorm.add(step, gradNorm);
  };
  return {
    points: (name) => series[name].points(),
    last: (name) => series[name].last(),
    add(events) {
      for (const event of events) take(event);
      notify();
    },
    clear() {
      series = emptySeries();
      smooth = createEma(SMOOTHING);
      notify();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const emptySeries = () => Object.fromEntries(CURVES.map((name) => [name, new Series()])) as Record<CurveName, Series>;

/** Pairs that grow at the end; a step that comes again (a run that was continued) takes the later ones back. */
class Series {
  private x = new Float64Array(256);
  private y = new Float64Array(256);
  private count = 0;

  add(x: number, y: number): void {
    while (this.count > 0 && this.x[this.count - 1]! >= x) this.count -= 1;
    if (this.count === this.x.length) {
      this.x = grown(this.x);
      this.y = grown(this.y);
    }
    this.x[this.count] = x;
    this.y[this.count] = y;
    this.count += 1;
  }

  points(): Points {
    return { x: this.x, y: this.y, count: this.count };
  }

  last(): number | null {
    return this.count === 0 ? null : this.y[this.count - 1]!;
  }
}

function grown(values: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(2 * values.length);
  larger.set(values);
  return larger;
}
