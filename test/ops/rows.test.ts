import { gatherRows } from "../../src/ops/rows.ts";
import { rowsBackward, rowsForward } from "../reference/rows.ts";
import { TOLERANCE } from "../support/compare.ts";
import { opContract } from "../support/op-contract.ts";
import { indexTensor } from "../support/run-op.ts";
import { hostTensor, someOf } from "../support/values.ts";

interface Shape {
  readonly N: number;
  /** Rows picked. */
  readonly S: number;
  readonly C: number;
}

const edges: readonly Shape[] = [
  { N: 1, S: 1, C: 4 },
  { N: 65, S: 65, C: 4 },
  { N: 200, S: 1, C: 12 },
  { N: 70_001, S: 65_537, C: 4 },
];

opContract({
  op: gatherRows,
  edges,
  random: (random): Shape => {
    const N = 1 + random.below(40);
    return { N, S: 1 + random.below(N), C: 4 * (1 + random.below(8)) };
  },
  problem: ({ N, S, C }: Shape, random) => {
    const index = someOf(random, N, S);
    return {
      inputs: [hostTensor(random, [N, C])],
      place: (program) => ({ attrs: { index: indexTensor(program, index) } }),
      outputRows: S,
      forward: ([x]) => [rowsForward(x!, index, C)],
      backward: (_inputs, [dy]) => [rowsBackward(dy!, index, N, C)],
      tolerance: { forward: TOLERANCE.copy, backward: TOLERANCE.copy },
    };
  },
  savings: [[0]],
});
