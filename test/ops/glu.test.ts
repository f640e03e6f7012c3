import { expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { type GluAttrs, glu } from "../../src/ops/glu.ts";
import { ACTIVATIONS, gluBackward, gluForward } from "../reference/glu.ts";
import { expectClose, TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { opContract } from "../support/op-contract.ts";
import { runOp } from "../support/run-op.ts";
import { hostTensor, pick, type Style } from "../support/values.ts";

interface Shape extends GluAttrs {
  readonly N: number;
  readonly F: number;
  /** Of the gate. */
  readonly style?: Style;
}

const NAMES = ["silu", "gelu_tanh"] as const;

const edges: readonly Shape[] = [
  { N: 1, F: 4, activation: "silu" },
  { N: 63, F: 4, activation: "silu" },
  { N: 64, F: 4, activation: "gelu_tanh" },
  { N: 65, F: 4, activation: "gelu_tanh" },
  // σ is 0 or 1 to the last bit here, and a tanh by e^x would overflow.
  ...NAMES.map((activation) => ({ N: 17, F: 36, style: "large" as const, activation })),
  ...NAMES.map((activation) => ({ N: 5, F: 8, style: "zero" as const, activation })),
];

opContract({
  op: glu,
  edges,
  random: (random): Shape => ({
    N: 1 + random.below(30),
    F: 4 * (1 + random.below(12)),
    activation: pick(random, NAMES),
  }),
  problem: ({ N, F, style, activation }: Shape, random) => ({
    inputs: [hostTensor(random, [N, F], style), hostTensor(random, [N, F])],
    place: () => ({ attrs: { activation } }),
    forward: ([gate, up]) => [gluForward(gate!, up!, ACTIVATIONS[activation])],
    backward: ([gate, up], [dy]) => gluBackward(gate!, up!, ACTIVATIONS[activation], dy!),
    tolerance: { forward: TOLERANCE.pointwise, backward: TOLERANCE.pointwise },
  }),
  // One kernel makes both gradients: only leaving out both saves it.
  savings: [[0, 1]],
});

it.each(NAMES)("%s stays finite, and exact, where nothing sensible is left of it", async (activation) => {
  const gates = [-3e38, -1e15, -1e6, -300, 1e6, 1e15, 3e38];
  const gate = { shape: [7, 4], values: Float64Array.from({ length: 28 }, (_, i) => gates[i >> 2]!) };
  const ones = { shape: [7, 4], values: new Float64Array(28).fill(1) };
  const run = { op: glu, inputs: [gate, ones], place: () => ({ attrs: { activation } }), dys: [ones] };
  const { outputs, grads } = await runOp(await testDevice(), { ...run, needs: [true, true] });
  for (const [i, value] of [...gate.values].entries()) {
    // σ ends at e^−80, so that the most negative values keep a trace.
    expect(Math.abs(outputs[0]![i]! - Math.fround(Math.max(0, value)))).toBeLessThanOrEqual(Math.abs(value) * 2e-35);
  }
  expect(grads.flatMap((grad) => [...grad!]).findIndex((value) => !Number.isFinite(value))).toBe(-1);
});

it.each(NAMES)("%s is not the other activation", async (activation) => {
  const x = hostTensor(new Random(1), [9, 4]);
  const run = { op: glu, inputs: [x, x], place: () => ({ attrs: { activation } }), dys: null, needs: [false, false] };
  const { outputs } = await runOp(await testDevice(), run);
  const as = (name: (typeof NAMES)[number]) => () =>
    expectClose(outputs[0]!, gluForward(x.values, x.values, ACTIVATIONS[name]), TOLERANCE.pointwise, name);
  expect(as(activation)).not.toThrow();
  expect(as(activation === "silu" ? "gelu_tanh" : "silu")).toThrow("relative L2");
});
