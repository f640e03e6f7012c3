/** Three updates of AdamW, one of them with a gradient that is not a number and must change nothing. */
import { ADAMW_STATE, recordAdamw } from "../../ops/adamw.ts";
import { type Bench, measure, type SelfTestCase } from "./bench.ts";
import { type AdamwState, adamw } from "./reference.ts";

const COUNT = 1000;
const RULE = { learningRate: 0.05, weightDecay: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, maxGradNorm: 1 };

function recordUpdates({ program, random, input, expect }: Bench): void {
  const parameters = input([COUNT], 0.1);
  const [m, v, state] = [
    program.tensor([COUNT], "self-test"),
    program.tensor([COUNT], "self-test"),
    program.tensor([ADAMW_STATE], "self-test"),
  ];
  for (const tensor of [m, v, state]) program.clear(tensor);
  const zeros = new Float64Array(COUNT);
  const cpu: AdamwState = { parameters: parameters.values, m: zeros, v: zeros, applied: 0, skipped: 0 };
  for (const [step, broken] of [false, true, false].entries()) {
    const gradient = input([COUNT], 0.1 / (step + 1));
    if (broken) {
      gradient.values[random.below(COUNT)] = Number.NaN;
      program.write(gradient.tensor, Float32Array.from(gradient.values));
    }
    const norm = adamw(cpu, gradient.values, RULE);
    recordAdamw(program, { parameters: parameters.tensor, gradients: gradient.tensor, m, v, state }, RULE);
    const when = `update ${step + 1}${broken ? " (not a number)" : ""}`;
    expect(`${when}, parameters`, parameters.tensor, cpu.parameters);
    expect(`${when}, first moments`, m, cpu.m);
    expect(`${when}, second moments`, v, cpu.v);
    const clip = Math.min(1, RULE.maxGradNorm / (norm + 1e-6));
    if (!broken) expect(`${when}, state`, state, [norm, clip, 1, cpu.applied, cpu.skipped, 0, 0, 0]);
  }
}

export const adamwCase: SelfTestCase = {
  name: "optimizer",
  guards: "Every update of the adapter, and that a gradient which is not a number is left out.",
  tolerance: 1e-4,
  run: (device) => measure(device, recordUpdates),
};
