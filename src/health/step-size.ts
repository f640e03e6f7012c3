/**
 * Whether a run's steps suit the size of its model, before the first of them: the learning rate alone says little,
 * since LoRA multiplies what it learns by a scale.
 */
import { formatCount, formatSetting } from "../core/units.ts";
import type { Finding, Level } from "./finding.ts";

export interface StepSize {
  /** The peak rate of AdamW. */
  readonly learningRate: number;
  readonly alpha: number;
  readonly rank: number;
  /** The scale is alpha / √rank instead of alpha / rank (Kalajdzievski 2023, https://arxiv.org/abs/2312.03732). */
  readonly useRslora: boolean;
  /** Of the whole model, frozen ones included. */
  readonly parameters: number;
}

/*
 * The middle of the band, as rate · scale: 3e-4 at seven billion parameters, and more with the cube root of how much
 * smaller a model is. It is a line between what is known to work:
 *   7B: 2e-5 · 20, the mended run of the post-mortem, and 2e-4 · 1 to 2, as unsloth advises     2e-4 to 4e-4
 *   3B: 1e-4 · 2 and · 8 in PEFT's own benchmark on Llama-3.2-3B                                 2e-4 to 8e-4
 *   mlx-lm's defaults, 1e-5 · 20, for any model                                                 2e-4
 *   2.2M: the built-in demo learns its voice at 1.5e-3 · 2 to 3e-3 · 2                           3e-3 to 6e-3
 * and to fail: 2e-4 · 20 at 7B (4e-3), 3e-2 · 2 on the demo (6e-2).
 */
const MIDDLE = 3e-4;
const AT = 7e9;
/** The band ends at five times its middle; from ten times on a run is expected to fail. */
const HIGH = 5;
const FAILS = 10;
/** And at a twentieth: AdamW moves each number by about the rate an update, so some hundred of those move nothing much. */
const LOW = 1 / 20;
/** A hundredth of that end is most likely a slip of the keyboard. */
const SLIP = LOW / 100;

/** Judges learning rate times scale by the model's size. Always a finding, good when it lies in the band. */
export function judgeStepSize({ learningRate, alpha, rank, useRslora, parameters }: StepSize): Finding {
  const scale = scaleOf({ alpha, rank, useRslora });
  const step = learningRate * scale;
  const middle = MIDDLE * Math.cbrt(AT / parameters);
  const times = step / middle;
  const numbers = `Learning rate ${formatSetting(learningRate)} × scale ${short(scale)} is ${short(step)}`;
  const band = `what works for ${sizeOf(parameters)} parameters is about ${short(LOW * middle)} to ${short(HIGH * middle)}`;
  const source = "from published LoRA recipes at 3 and 7 billion parameters and the demo at 2 million";
  const evidence = `${numbers}; ${band} (${source}).`;
  const about = (level: Level, title: string, why: string): Finding => ({
    id: "step-size",
    level,
    title,
    evidence: `${evidence} ${why}`,
    fix: `Set the learning rate to ${formatSetting(suitableRate({ alpha, rank, useRslora, parameters }))}.`,
  });
  if (times > FAILS)
    return about("bad", "Steps far too large", "Runs like this one lose the model within some ten updates.");
  if (times > HIGH) return about("warn", "Steps too large", "The loss may jump and the answers fall apart.");
  if (times < SLIP)
    return about("warn", "Steps far too small", "Nothing will be learned in any number of updates you can wait for.");
  if (times < LOW) return about("note", "Steps very small", "Hardly anything is learned in a few hundred updates.");
  return { id: "step-size", level: "good", title: "Step size suits the model", evidence };
}

/** Models below this many parameters take far higher rates. */
const TINY = 20e6;
const SMALL = 6e8;
/** alpha / rank that the rates below are for. */
const USUAL_SCALE = 2;

/**
 * A rate well inside the band, to one digit: what the presets set, sweeps begin around and the finding's fix names. The
 * demo's was found by its author (public/demo/README.md); 2e-4 and 1e-4 are what LoRA trainers use below and above about
 * 0.6B parameters. Where the adapter's scale is another than usual it is so in proportion, since rate times scale counts.
 */
export function suitableRate({ alpha, rank, useRslora, parameters }: Omit<StepSize, "learningRate">): number {
  const usual = parameters < TINY ? 3e-3 : parameters < SMALL ? 2e-4 : 1e-4;
  return oneDigit((usual * USUAL_SCALE) / scaleOf({ alpha, rank, useRslora }));
}

const scaleOf = ({ alpha, rank, useRslora }: Pick<StepSize, "alpha" | "rank" | "useRslora">): number =>
  alpha / (useRslora ? Math.sqrt(rank) : rank);

/** One digit is all that such a number is worth: 4e-4. */
const oneDigit = (value: number): number => Number(value.toPrecision(value >= 1 ? 3 : 1));
const short = (value: number): string => formatSetting(oneDigit(value));

function sizeOf(parameters: number): string {
  const [unit, name] = parameters >= 1e9 ? [1e9, " billion"] : parameters >= 1e6 ? [1e6, " million"] : [1, ""];
  const count = parameters / unit;
  return `${count < 10 && unit > 1 ? count.toFixed(1) : formatCount(count)}${name}`;
}
