/** The kernel of a decoding step by itself; as attention's forward it is tested in attention.test.ts, with its gradients. */
import { expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { Program } from "../../src/gpu/program.ts";
import { attentionFew, FEW_WIDTH } from "../../src/ops/attention-few.ts";
import { attentionForward } from "../reference/attention-few.ts";
import { expectClose, TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { indexTensor, upload } from "../support/run-op.ts";
import { hostTensor } from "../support/values.ts";

const SHAPES = [
  { N: 1, T: 1, H: 1, KV: 1, D: 4 },
  { N: 1, T: 64, H: 2, KV: 1, D: 64 },
  { N: 1, T: 65, H: 4, KV: 2, D: 20 },
  { N: 3, T: 130, H: 3, KV: 3, D: 96 },
  { N: 2, T: 70, H: 2, KV: 1, D: FEW_WIDTH },
  { N: 2, T: 70, H: 2, KV: 1, D: 20, softcap: 0.5 },
];

it.each(SHAPES)("$N queries, $T keys, $H heads on $KV of $D: output and log-sum-exp", async (shape) => {
  const { N, T, H, KV, D, softcap = 0 } = shape;
  const device = await testDevice();
  const random = new Random(T);
  const [q, k, v] = [hostTensor(random, [N, H * D]), hostTensor(random, [T, KV * D]), hostTensor(random, [T, KV * D])];
  const scale = Math.fround(1 / Math.sqrt(D));
  // The last queries of T, the first of them without the first key.
  const ranges = Array.from({ length: N }, (_, i) => [i === 0 && T > 1 ? 1 : 0, T - N + i + 1] as const);
  const program = new Program();
  const [o, stats] = [program.tensor([N, H * D], "o"), program.tensor([N, H, 2], "stats")];
  program.dispatch(attentionFew, {
    constants: { H, KV, D },
    params: { queries: N, keys: T, width: D / 4, scale, softcap },
    inputs: [...[q, k, v].map((host) => upload(program, host, "x")), indexTensor(program, ranges.flat(), [N, 2])],
    outputs: [o, stats],
  });
  const reading = [program.readFloats(o), program.readFloats(stats)] as const;
  await device.run(program);
  const sizes = { heads: H, kvHeads: KV, headDim: D, scale, softcap, ranges };
  const tolerance = TOLERANCE.reduction(D + T);
  expectClose(await reading[0], attentionForward(q.values, k.values, v.values, sizes), tolerance, "o");
  const lse = ranges.flatMap(([first, end], query) =>
    Array.from({ length: H }, (_, head) => {
      const kv = Math.floor(head / (H / KV));
      let sum = 0;
      for (let key = first; key < end; key++) {
        let score = 0;
        for (let d = 0; d < D; d++) score += q.values[(query * H + head) * D + d]! * k.values[(key * KV + kv) * D + d]!;
        sum += Math.exp(softcap > 0 ? softcap * Math.tanh((scale * score) / softcap) : scale * score);
      }
      return Math.log(sum);
    }),
  );
  const found = (await reading[1]).filter((_, i) => i % 2 === 0);
  expect(found.length).toBe(lse.length);
  for (const [i, value] of lse.entries()) expect(found[i]).toBeCloseTo(value, 4);
});
