/**
 * mlx-lm's `lr_schedule` as Lorikeet's: accepted where both give the same rates, noted where they differ a little,
 * refused where they differ much. Meaning of mlx-lm's form: `arguments` go to the named scheduler of
 * mlx.optimizers; a warm-up rises over `warmup` updates and hands over one update later.
 */

import { formatSetting } from "../core/units.ts";
import { type MlxCurve, mlxRate } from "../optim/mlx-rate.ts";
import { findKnob, resolveConfig, scheduledRate, type TrainConfig } from "../train/config.ts";
import { checkValue, type Setting, showValue } from "../train/setting.ts";

export interface MappedSchedule {
  readonly knobs: Partial<TrainConfig>;
  readonly notes: readonly string[];
  /** Each begins with the key it is about. */
  readonly problems: readonly string[];
}

const SHAPES: Readonly<Record<string, string>> = {
  cosine_decay: "[peak, updates] or [peak, updates, end]",
  linear_schedule: "[peak, end, updates]",
};
const COUNT: Setting = { name: "updates", kind: "integer", min: 0, meaning: "updates" };
/**
 * Largest difference of the rates, as a share of the peak, that is accepted, and the largest that goes without a note.
 * mlx-lm's own example (a cosine over all 1,000 iterations, begun after 100 of warm-up) differs by 0.10.
 */
const ACCEPTED = 0.15;
const UNNOTICED = 0.01;

/** Maps a `lr_schedule` mapping for a run of `totalSteps` updates; undefined when the data decides on the length. */
export function mapSchedule(value: Readonly<Record<string, unknown>>, totalSteps: number | undefined): MappedSchedule {
  const problems = checkForm(value);
  if (problems.length > 0) return { knobs: {}, notes: [], problems };

  const curve = readCurve(value);
  const knobs = { learningRate: curve.peak, lrSchedule: curve.schedule, warmup: curve.warmup };
  if (totalSteps === undefined) {
    const note = `lr_schedule: the rate falls over the whole run after the warm-up, not over ${curve.steps} updates`;
    return { knobs, notes: curve.schedule === "constant" ? [] : [note], problems };
  }

  const apart = largestDifference(curve, knobs, totalSteps);
  if (apart <= UNNOTICED) return { knobs, notes: [], problems };
  const difference = `up to ${(100 * apart).toFixed(0)} % of the peak; the same would be ${sameForm(curve, totalSteps)}`;
  if (apart <= ACCEPTED) {
    return { knobs, notes: [`lr_schedule: rates differ from mlx-lm's by ${difference}`], problems };
  }
  const ours = "Lorikeet's rate rises from 0, then falls to 0 at the last update";
  return { knobs: {}, notes: [], problems: [`lr_schedule: ${ours}; this one differs by ${difference}`] };
}

function checkForm(value: Readonly<Record<string, unknown>>): string[] {
  const problems: string[] = [];
  const { name, arguments: args, warmup = 0, warmup_init: warmupInit = 0, ...rest } = value;
  for (const key of Object.keys(rest)) problems.push(`lr_schedule.${key}: no such key`);

  if (typeof name !== "string" || !Object.hasOwn(SHAPES, name)) {
    const known = Object.keys(SHAPES).join(" and ");
    problems.push(`lr_schedule.name: ${known} are supported, got ${showValue(name)}`);
  } else if (!isNumberList(args) || args.length > 3 || args.length < (name === "cosine_decay" ? 2 : 3)) {
    problems.push(`lr_schedule.arguments: expected ${SHAPES[name]}`);
  } else {
    const peak = checkValue(findKnob("learningRate")!, args[0]);
    if (peak) problems.push(`lr_schedule.arguments, first: ${peak}`);
    const steps = checkValue({ ...COUNT, min: 1 }, name === "cosine_decay" ? args[1] : args[2]);
    if (steps) problems.push(`lr_schedule.arguments, updates: ${steps}`);
  }

  const warmupProblem = checkValue(COUNT, warmup);
  if (warmupProblem) problems.push(`lr_schedule.warmup: ${warmupProblem}`);
  if (typeof warmupInit !== "number") problems.push("lr_schedule.warmup_init: expected a number");
  return problems;
}

function isNumberList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isFinite(item));
}

/** `value` has passed `checkForm`. */
function readCurve(value: Readonly<Record<string, unknown>>): MlxCurve {
  const [peak = 0, second = 0, third = 0] = value.arguments as number[];
  const warmup = { warmup: Number(value.warmup ?? 0), warmupInit: Number(value.warmup_init ?? 0) };
  if (value.name === "cosine_decay") return { schedule: "cosine", peak, steps: second, end: third, ...warmup };
  return { schedule: second === peak ? "constant" : "linear", peak, end: second, steps: third, ...warmup };
}

/** As a share of the peak, over the run or an even sample of a long one. */
function largestDifference(curve: MlxCurve, knobs: Partial<TrainConfig>, totalSteps: number): number {
  const config = resolveConfig(knobs, "lr_schedule");
  const stride = Math.max(1, Math.floor(totalSteps / 4096));
  let largest = 0;
  for (let step = 0; step < totalSteps; step += stride) {
    largest = Math.max(largest, Math.abs(mlxRate(curve, step) - scheduledRate(config, step, totalSteps)));
  }
  return largest / curve.peak;
}

/** The arguments under which mlx-lm does what Lorikeet does. */
function sameForm(curve: MlxCurve, totalSteps: number): string {
  const falling = Math.max(1, totalSteps - curve.warmup);
  const peak = formatSetting(curve.peak);
  const args = { cosine: [peak, falling, 0], linear: [peak, 0, falling], constant: [peak, peak, falling] };
  return `arguments: [${args[curve.schedule].join(", ")}] with warmup_init: 0`;
}
