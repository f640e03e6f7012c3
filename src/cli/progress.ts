/**
 * Progress of a run: one line that is rewritten on a terminal, plain lines every so often in a pipe or a log.
 * Time left is shown only while the pace is steady.
 */

import { formatCount, formatDuration, formatNumber, formatSetting } from "../core/units.ts";
import { truncate } from "./format.ts";

/** The part of a stream that is needed; `process.stderr` is one. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** One optimizer update, as the trainer reports it. */
export interface ProgressUpdate {
  /** From 1. */
  readonly step: number;
  readonly totalSteps: number;
  readonly loss: number;
  readonly learningRate: number;
  /** Tokens of this update. */
  readonly tokens: number;
  /** Time this update took. */
  readonly seconds: number;
}

export interface ProgressOptions {
  /** Seconds between two lines where the output is no terminal. */
  readonly everySeconds?: number;
  /** Milliseconds, only their differences count. */
  readonly now?: () => number;
}

export interface Progress {
  update(update: ProgressUpdate): void;
  /** Prints a line of its own without disturbing the progress line. */
  log(line: string): void;
  /** Leaves the last state standing, in full. */
  done(): void;
}

const REDRAW_MS = 50;
const BAR_COLUMNS = 20;

export function createProgress(output: Output, options: ProgressOptions = {}): Progress {
  const { everySeconds = 10, now = () => performance.now() } = options;
  const terminal = output.isTTY === true;
  const pace = createPace();
  let latest: ProgressUpdate | undefined;
  let shown: ProgressUpdate | undefined;
  let shownAt = Number.NEGATIVE_INFINITY;

  const draw = () => {
    if (!latest) return;
    const line = progressLine(latest, pace, terminal);
    // A line as wide as the terminal would wrap, and then could not be rewritten.
    output.write(terminal ? `\r${truncate(line, (output.columns ?? 80) - 1)}\x1b[K` : `${line}\n`);
    shown = latest;
    shownAt = now();
  };

  return {
    update(update) {
      latest = update;
      pace.add(update, now());
      const wait = terminal ? REDRAW_MS : 1000 * everySeconds;
      if (now() - shownAt >= wait || update.step === update.totalSteps) draw();
    },
    log(line) {
      output.write(terminal && shown ? `\r\x1b[K${line}\n` : `${line}\n`);
      if (terminal && shown) draw();
    },
    done() {
      if (latest !== shown) draw();
      if (terminal && shown) output.write("\n");
      latest = undefined;
      shown = undefined;
    },
  };
}

function progressLine(update: ProgressUpdate, pace: Pace, withBar: boolean): string {
  const { step, totalSteps, loss, learningRate } = update;
  const left = step < totalSteps ? pace.secondsLeft(totalSteps - step) : undefined;
  const parts = [
    `${withBar ? `${bar(step / totalSteps)} ` : ""}step ${formatCount(step)}/${formatCount(totalSteps)}`,
    `loss ${formatNumber(loss)}`,
    `lr ${formatSetting(Number(learningRate.toPrecision(3)))}`,
    `${formatCount(pace.tokensPerSecond())} tok/s`,
  ];
  if (left !== undefined) parts.push(`${formatDuration(left)} left`);
  return parts.join("  ");
}

function bar(share: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * BAR_COLUMNS);
  return "━".repeat(filled) + "─".repeat(BAR_COLUMNS - filled);
}

/** How fast a run goes. */
export interface Pace {
  /** Notes an update that arrived at `at` milliseconds. */
  add(update: Pick<ProgressUpdate, "tokens" | "seconds">, at: number): void;
  /** Over the last few updates; 0 before the first. */
  tokensPerSecond(): number;
  /** Seconds that `updates` more will take, or undefined while nobody can know. */
  secondsLeft(updates: number): number | undefined;
}

const RECENT = 10;
const FEWEST = 12;
const STEADY = 0.15;

/**
 * Arrival times count, not the updates' own seconds: validation, checkpoints and samples take time too.
 * The pace is steady when the third and the last quarter of the run so far went at nearly the same speed, so the
 * first half, with its compiling and tuning, never counts.
 */
export function createPace(): Pace {
  const arrivals: number[] = [];
  const recent: Pick<ProgressUpdate, "tokens" | "seconds">[] = [];
  const millisPerUpdate = (from: number, to: number) => (arrivals[to]! - arrivals[from]!) / (to - from);

  return {
    add(update, at) {
      arrivals.push(at);
      recent.push(update);
      if (recent.length > RECENT) recent.shift();
    },
    tokensPerSecond() {
      const seconds = recent.reduce((sum, update) => sum + update.seconds, 0);
      return seconds > 0 ? recent.reduce((sum, update) => sum + update.tokens, 0) / seconds : 0;
    },
    secondsLeft(updates) {
      const last = arrivals.length - 1;
      if (last < FEWEST) return undefined;
      const [half, threeQuarters] = [Math.floor(last / 2), Math.floor((3 * last) / 4)];
      const third = millisPerUpdate(half, threeQuarters);
      const fourth = millisPerUpdate(threeQuarters, last);
      if (Math.abs(third - fourth) > STEADY * Math.max(third, fourth)) return undefined;
      return (updates * millisPerUpdate(half, last)) / 1000;
    },
  };
}
