/** The kernels of an answer's next token: one row through a layer with its adapter, and one query over all keys so far. */
import { attention as attentionOp } from "../../ops/attention.ts";
import { allColumns, recordNt } from "../../ops/matmul.ts";
import { type Bench, measure, type SelfTestCase } from "./bench.ts";
import { attention, productNt, scaled, sum } from "./reference.ts";
import { C, D, H, KV, N, SEGMENTS, STARTS } from "./sizes.ts";

const OUT = 100;
const RANK = 8;
const SCALE = 2;

/** h = x·Aᵀ, y = x·Wᵀ + bias + s·h·Bᵀ for one x */
function recordLayer(bench: Bench): void {
  const x = bench.input([1, C]);
  const [A, W] = [bench.weight([RANK, C], "f32"), bench.weight([OUT, C], "bf16")];
  const [B, bias] = [bench.input([OUT, RANK], 0.1), bench.input([OUT])];
  const [h, y] = [bench.program.tensor([1, RANK], "self-test"), bench.program.tensor([1, OUT], "self-test")];
  recordNt(bench.program, allColumns(x.tensor), 1, A.weight, allColumns(h));
  const lowRank = { h: allColumns(h), factor: B.tensor, rank: RANK, scale: SCALE };
  recordNt(bench.program, allColumns(x.tensor), 1, W.weight, allColumns(y), { bias: bias.tensor, lowRank });
  const down = productNt(x.values, A.values, 1, RANK, C);
  bench.expect("h", h, down);
  const up = scaled(productNt(down, B.values, 1, OUT, RANK), SCALE);
  bench.expect("y", y, sum(productNt(x.values, W.values, 1, OUT, C), up, bias.values));
}

/** The last of N queries, its scores as they are and soft-capped. */
function recordQuery(bench: Bench): void {
  const [q, k, v] = [bench.input([N, H * D]), bench.input([N, KV * D]), bench.input([N, KV * D])];
  const last = (values: Float64Array) => values.slice((N - 1) * H * D);
  const query = bench.program.constant(Float32Array.from(last(q.values)), [1, H * D], "self-test");
  const queryRanges = bench.words([SEGMENTS[0], N], [1, 2]);
  for (const softcap of [0, 2]) {
    const attrs = { heads: H, kvHeads: KV, headDim: D, scale: 1 / Math.sqrt(D), softcap, queryRanges, keyRanges: null };
    const { outputs } = attentionOp.forward(bench.program, [query, k.tensor, v.tensor], attrs, []);
    const sizes = { heads: H, kvHeads: KV, headDim: D, softcap, starts: STARTS };
    const { o } = attention(q.values, k.values, v.values, sizes);
    bench.expect(softcap > 0 ? "o, capped" : "o", outputs[0]!, last(o));
  }
}

export const decodingCase: SelfTestCase = {
  name: "the next token",
  guards: "The answers that show how the voice changes, and by which an adapter is judged.",
  tolerance: 1e-4,
  run: (device) =>
    measure(device, (bench) => {
      recordLayer(bench);
      recordQuery(bench);
    }),
};
