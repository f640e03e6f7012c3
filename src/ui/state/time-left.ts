/** Time left in a run: said only when the recent updates agree about their length. */

interface Step {
  readonly step: number;
  readonly seconds: number;
}

export interface TimeLeft {
  add(steps: readonly Step[], totalSteps: number): void;
  /** Seconds, or null while nobody can know. */
  seconds(): number | null;
}

/** Updates looked at, and the fewest that allow a word. */
const WINDOW = 20;
const FEWEST = 5;
/** Halves of the window may differ by this share of the mean. */
const STEADY = 0.35;

export function createTimeLeft(): TimeLeft {
  let recent: number[] = [];
  let newest = 0;
  let total = 0;
  return {
    add(steps, totalSteps) {
      total = totalSteps;
      for (const { step, seconds } of steps) {
        if (step <= newest) recent = []; // another run, or one gone back to its checkpoint
        newest = step;
        recent.push(seconds);
      }
      // The first update compiles, and says nothing about the others.
      recent = recent.slice(-WINDOW);
    },
    seconds() {
      const counted = recent.length < WINDOW ? recent.slice(1) : recent;
      if (counted.length < FEWEST) return null;
      const half = counted.length >> 1;
      const [before, after] = [mean(counted.slice(0, half)), mean(counted.slice(half))];
      const all = mean(counted);
      if (Math.abs(before - after) > STEADY * all) return null;
      return all * Math.max(0, total - newest);
    },
  };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
