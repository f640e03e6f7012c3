import { describe, expect, it } from "vitest";
import type { Random } from "../../src/core/random.ts";
import { Program } from "../../src/gpu/program.ts";
import { type AttentionAttrs, attention } from "../../src/ops/attention.ts";
import { attentionBackward, attentionForward } from "../reference/attention.ts";
import { TOLERANCE, type Tolerance } from "../support/compare.ts";
import { opContract } from "../support/op-contract.ts";
import { indexTensor } from "../support/run-op.ts";
import { hostTensor, pick } from "../support/values.ts";

type Range = readonly [first: number, end: number];
type Mask = "causal" | "packed" | "window" | "cache" | "long cache" | "blind";

interface Shape {
  readonly N: number;
  readonly H: number;
  readonly KV: number;
  readonly D: number;
  readonly mask: Mask;
  /** Factor on q: 40 makes scores beyond ±80. */
  readonly gain?: number;
  readonly softcap?: number;
  /** All keys the same, so that all weights are equal and dq is exactly zero. */
  readonly equalKeys?: boolean;
}

/** Keys in the cache before the first query. */
const CACHED = 5;
const LONG_CACHED = 131;
const WINDOW = 3;

const MASKS: Record<Mask, (query: number, N: number) => Range> = {
  causal: (query) => [0, query + 1],
  packed: (query, N) => (query < Math.ceil(N / 3) ? [0, query + 1] : [Math.ceil(N / 3), query + 1]),
  window: (query) => [Math.max(0, query + 1 - WINDOW), query + 1],
  cache: (query) => [0, CACHED + query + 1],
  "long cache": (query) => [0, LONG_CACHED + query + 1],
  // The first query sees no key at all, and the first key is seen by no query.
  blind: (query) => (query === 0 ? [0, 0] : [1, query + 1]),
};

/** For each key the queries [first, end) that see it. */
function seenFromKeys(ranges: readonly Range[], T: number): Range[] {
  return Array.from({ length: T }, (_, key) => {
    const seeing = [...ranges.entries()]
      .filter(([, [first, end]]) => first <= key && key < end)
      .map(([query]) => query);
    return seeing.length === 0 ? [0, 0] : [seeing[0]!, seeing.at(-1)! + 1];
  });
}

const edges: readonly Shape[] = [
  { N: 1, H: 1, KV: 1, D: 4, mask: "causal" },
  { N: 63, H: 2, KV: 1, D: 8, mask: "causal" },
  { N: 64, H: 2, KV: 1, D: 12, mask: "packed" },
  { N: 65, H: 2, KV: 1, D: 8, mask: "window" },
  { N: 7, H: 4, KV: 2, D: 8, mask: "cache" },
  { N: 1, H: 4, KV: 2, D: 8, mask: "cache" },
  // Few queries: more keys than two tiles hold, shares of keys that do not fill a workgroup.
  { N: 1, H: 4, KV: 2, D: 8, mask: "long cache" },
  { N: 4, H: 2, KV: 1, D: 96, mask: "cache" },
  { N: 2, H: 1, KV: 1, D: 128, mask: "cache" },
  { N: 3, H: 2, KV: 1, D: 20, mask: "window" },
  { N: 4, H: 2, KV: 1, D: 8, mask: "cache", gain: 40 },
  { N: 9, H: 2, KV: 1, D: 8, mask: "blind" },
  { N: 31, H: 2, KV: 1, D: 8, mask: "causal", gain: 40 },
  { N: 31, H: 2, KV: 1, D: 8, mask: "causal", equalKeys: true },
  // Scores about as large as the cap, far smaller, and most of them so far beyond that a tanh by e^x would overflow.
  { N: 31, H: 2, KV: 1, D: 8, mask: "packed", softcap: 1 },
  { N: 31, H: 2, KV: 1, D: 8, mask: "causal", softcap: 50 },
  { N: 31, H: 2, KV: 1, D: 8, mask: "causal", softcap: 0.5, gain: 40 },
  { N: 3, H: 4, KV: 2, D: 8, mask: "cache", softcap: 1 },
  { N: 4, H: 4, KV: 2, D: 8, mask: "long cache", softcap: 0.5, gain: 40 },
  // The head sizes of real models.
  { N: 33, H: 2, KV: 1, D: 64, mask: "packed" },
  { N: 18, H: 1, KV: 1, D: 128, mask: "causal" },
  { N: 17, H: 1, KV: 1, D: 20, mask: "window" },
];

function problem({ N, H, KV, D, mask, gain = 1, softcap = 0, equalKeys = false }: Shape, random: Random) {
  const ranges = Array.from({ length: N }, (_, query) => MASKS[mask](query, N));
  const T = N + ({ cache: CACHED, "long cache": LONG_CACHED }[mask as string] ?? 0);
  const sizes = { heads: H, kvHeads: KV, headDim: D, scale: Math.fround(1 / Math.sqrt(D)), softcap, ranges };
  const q = hostTensor(random, [N, H * D]);
  const inputs = [
    { ...q, values: q.values.map((x) => Math.fround(gain * x)) },
    hostTensor(random, [T, KV * D], equalKeys ? "equal" : "normal"),
    hostTensor(random, [T, KV * D]),
  ];
  const { relative } = TOLERANCE.reduction(D + T);
  // A score of size s is off by s·2⁻²⁴, and its weight by that much relatively. With one key, or equal ones, dq is zero.
  const forward: Tolerance = { relative: relative * gain };
  const backward: Tolerance = T === 1 || equalKeys ? { ...forward, terms: 1 } : forward;
  return {
    inputs,
    place: (program: Program) => {
      const attrs: AttentionAttrs = {
        ...sizes,
        queryRanges: indexTensor(program, ranges.flat(), [N, 2]),
        keyRanges: indexTensor(program, seenFromKeys(ranges, T).flat(), [T, 2]),
      };
      return { attrs };
    },
    forward: ([q, k, v]: readonly Float64Array[]) => [attentionForward(q!, k!, v!, sizes)],
    backward: ([q, k, v]: readonly Float64Array[], [dout]: readonly Float64Array[]) =>
      attentionBackward(q!, k!, v!, dout!, sizes),
    tolerance: { forward, backward },
  };
}

opContract({
  op: attention,
  edges,
  random: (random): Shape => {
    const [H, KV] = pick(random, [
      [2, 1],
      [4, 2],
      [3, 3],
    ] as const);
    const mask = pick(random, ["causal", "packed", "window", "cache", "blind"] as const);
    return { N: 2 + random.below(20), H, KV, D: 8, mask, softcap: pick(random, [0, 0.5, 3]) };
  },
  problem,
  // dk and dv are one kernel; dq's makes what they need, so it is there with any gradient.
  savings: [
    [1, 2],
    [0, 1, 2],
  ],
});

describe("attention: shapes", () => {
  const forward = (q: number[], k: number[], { heads = 4, kvHeads = 2, headDim = 8, T = 9 } = {}) => {
    const program = new Program();
    const of = (shape: number[]) => program.tensor(shape, "x");
    const attrs = { heads, kvHeads, headDim, scale: 1, softcap: 0, queryRanges: of([5, 2]), keyRanges: of([T, 2]) };
    return () => attention.forward(program, [of(q), of(k), of(k)], attrs, []);
  };

  it("accepts what fits", () => {
    expect(forward([5, 32], [9, 16])).not.toThrow();
  });

  it("refuses what does not, with the shapes", () => {
    expect(forward([5, 24], [9, 16])).toThrow(
      "[attention] q [5,24], k [9,16], v [9,16], ranges [5,2] and [9,2] do not fit 4 heads on 2 kv heads of 8",
    );
    expect(forward([5, 32], [9, 24])).toThrow("[attention] q [5,32], k [9,24]");
    expect(forward([5, 32], [9, 16], { T: 8 })).toThrow("ranges [5,2] and [8,2]");
    expect(forward([6, 32], [9, 16])).toThrow("[attention] q [6,32]");
    expect(forward([5, 24], [9, 16], { heads: 3 })).toThrow("3 heads on 2 kv heads");
    expect(forward([5, 24], [9, 12], { headDim: 6 })).toThrow("of 6 (a multiple of 4)");
  });
});
