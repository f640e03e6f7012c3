import { swiglu } from "../../src/ops/swiglu.ts";
import { swigluBackward, swigluForward } from "../reference/swiglu.ts";
import { TOLERANCE } from "../support/compare.ts";
import { opContract } from "../support/op-contract.ts";
import { hostTensor, type Style } from "../support/values.ts";

interface Shape {
  readonly N: number;
  readonly F: number;
  /** Of the gate. */
  readonly style?: Style;
}

const edges: readonly Shape[] = [
  { N: 1, F: 4 },
  { N: 63, F: 4 },
  { N: 64, F: 4 },
  { N: 65, F: 4 },
  // σ is 0 or 1 to the last bit here.
  { N: 17, F: 36, style: "large" },
  { N: 5, F: 8, style: "zero" },
];

opContract({
  op: swiglu,
  edges,
  random: (random): Shape => ({ N: 1 + random.below(30), F: 4 * (1 + random.below(12)) }),
  problem: ({ N, F, style }: Shape, random) => ({
    inputs: [hostTensor(random, [N, F], style), hostTensor(random, [N, F])],
    place: () => ({ attrs: null }),
    forward: ([gate, up]) => [swigluForward(gate!, up!)],
    backward: ([gate, up], [dy]) => swigluBackward(gate!, up!, dy!),
    tolerance: { forward: TOLERANCE.pointwise, backward: TOLERANCE.pointwise },
  }),
  // One kernel makes both gradients: only leaving out both saves it.
  savings: [[0, 1]],
});
