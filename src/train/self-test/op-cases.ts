/** One case for each op between the matrix products, forward and backward, and for what they all stand on. */

import { recordAdd } from "../../ops/add.ts";
import { attention as attentionOp } from "../../ops/attention.ts";
import { crossEntropy as crossEntropyOp } from "../../ops/cross-entropy.ts";
import { dora as doraOp, recordNorms } from "../../ops/dora.ts";
import { recordEmbedding } from "../../ops/embedding.ts";
import { glu } from "../../ops/glu.ts";
import { rmsnorm as rmsnormOp } from "../../ops/rmsnorm.ts";
import { rope } from "../../ops/rope.ts";
import { gatherRows } from "../../ops/rows.ts";
import { type Bench, measure, type SelfTestCase } from "./bench.ts";
import {
  attention,
  crossEntropy,
  dora,
  geluGated,
  geluGatedBackward,
  productNn,
  rmsnorm,
  rmsnormBackward,
  rotate,
  scaled,
  sum,
} from "./reference.ts";
import { C, D, H, KV, N, POSITIONS, SEGMENTS, STARTS, V } from "./sizes.ts";

const BASE = 10000;
const EPS = 1e-6;
/** Of embedded rows: a power of two, so that they stay exact. */
const ROW_SCALE = 4;
/** Of scores and logits. The training step has none. */
const SOFTCAP = 2;
/** Of DoRA. */
const RANK = 4;
const SCALE = 0.5;

function recordRows(bench: Bench): void {
  const ids = Array.from({ length: N }, () => bench.random.below(V));
  const { values, weight } = bench.weight([V, C], "bf16");
  const x = recordEmbedding(bench.program, bench.words(ids), weight, ROW_SCALE);
  const embedded = ids.flatMap((id) => [...scaled(values.subarray(id * C, (id + 1) * C), ROW_SCALE)]);
  bench.expect("embedding", x, embedded);

  const index = bench.random.shuffle(Array.from({ length: N }, (_, i) => i)).slice(0, 9);
  const attrs = { index: bench.words(index) };
  const { outputs, saved } = gatherRows.forward(bench.program, [x], attrs, [true]);
  bench.expect(
    "picked rows",
    outputs[0]!,
    index.flatMap((row) => embedded.slice(row * C, (row + 1) * C)),
  );
  const dy = bench.input([index.length, C]);
  const [dx] = gatherRows.backward(bench.program, saved, [dy.tensor], attrs, [true]);
  const scattered = new Float64Array(N * C);
  for (const [s, row] of index.entries()) scattered.set(dy.values.subarray(s * C, (s + 1) * C), row * C);
  bench.expect("rows put back", dx!, scattered);
}

function recordRmsnorm(bench: Bench): void {
  const [x, w, dy] = [bench.input([N, C], 3), bench.input([C]), bench.input([N, C])];
  const attrs = { weight: w.tensor, eps: EPS };
  const { outputs, saved } = rmsnormOp.forward(bench.program, [x.tensor], attrs, [true]);
  const [dx] = rmsnormOp.backward(bench.program, saved, [dy.tensor], attrs, [true]);
  bench.expect("y", outputs[0]!, rmsnorm(x.values, w.values, EPS));
  bench.expect("dx", dx!, rmsnormBackward(x.values, w.values, EPS, dy.values));
}

function recordRope(bench: Bench): void {
  const [q, k] = [bench.input([N, H * D]), bench.input([N, KV * D])];
  const [dq, dk] = [bench.input([N, H * D]), bench.input([N, KV * D])];
  const angles = Array.from({ length: N * D }, (_, at) => {
    const angle = Math.floor(at / D) * BASE ** ((-2 * Math.floor((at % D) / 2)) / D);
    return at % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
  });
  const table = bench.program.constant(Float32Array.from(angles), [N, D / 2, 2], "self-test");
  const attrs = { table, positions: bench.words(POSITIONS), heads: H, kvHeads: KV, headDim: D, rotated: D };
  const needs = [true, true];
  const { outputs, saved } = rope.forward(bench.program, [q.tensor, k.tensor], attrs, needs);
  const grads = rope.backward(bench.program, saved, [dq.tensor, dk.tensor], attrs, needs);
  for (const [i, name] of (["q", "k"] as const).entries()) {
    bench.expect(name, outputs[i]!, rotate([q, k][i]!.values, POSITIONS, D, BASE, 1));
    bench.expect(`d${name}`, grads[i]!, rotate([dq, dk][i]!.values, POSITIONS, D, BASE, -1));
  }
}

/** With gelu, since the training step has silu; and the sum of two tensors: the residual connection. */
function recordGlu(bench: Bench): void {
  // Wide enough that a tanh by e^x would overflow at the ends.
  const [gate, up, dy] = [bench.input([N, C], 4), bench.input([N, C]), bench.input([N, C])];
  const needs = [true, true];
  const attrs = { activation: "gelu_tanh" } as const;
  const { outputs, saved } = glu.forward(bench.program, [gate.tensor, up.tensor], attrs, needs);
  const added = recordAdd(bench.program, gate.tensor, up.tensor);
  // Overwrites gate and up.
  const grads = glu.backward(bench.program, saved, [dy.tensor], attrs, needs);
  const [dgate, dup] = geluGatedBackward(gate.values, up.values, dy.values);
  bench.expect("y", outputs[0]!, geluGated(gate.values, up.values));
  bench.expect("dgate", grads[0]!, dgate);
  bench.expect("dup", grads[1]!, dup);
  bench.expect("gate + up", added, sum(gate.values, up.values));
}

function recordAttention(bench: Bench): void {
  const [q, k, v] = [bench.input([N, H * D]), bench.input([N, KV * D]), bench.input([N, KV * D])];
  const dout = bench.input([N, H * D]);
  const end = (token: number) => (token < SEGMENTS[0] ? SEGMENTS[0] : N);
  const attrs = {
    ...{ heads: H, kvHeads: KV, headDim: D, scale: 1 / Math.sqrt(D), softcap: SOFTCAP },
    queryRanges: bench.words(
      STARTS.flatMap((start, token) => [start, token + 1]),
      [N, 2],
    ),
    keyRanges: bench.words(
      STARTS.flatMap((_, token) => [token, end(token)]),
      [N, 2],
    ),
  };
  const needs = [true, true, true];
  const { outputs, saved } = attentionOp.forward(bench.program, [q.tensor, k.tensor, v.tensor], attrs, needs);
  const grads = attentionOp.backward(bench.program, saved, [dout.tensor], attrs, needs);
  const sizes = { heads: H, kvHeads: KV, headDim: D, softcap: SOFTCAP, starts: STARTS };
  const expected = attention(q.values, k.values, v.values, sizes, dout.values);
  bench.expect("o", outputs[0]!, expected.o);
  for (const [i, name] of (["dq", "dk", "dv"] as const).entries()) bench.expect(name, grads[i]!, expected[name]);
}

function recordCrossEntropy(bench: Bench): void {
  const rows = 9;
  const x = bench.input([rows, C]);
  const { values, weight } = bench.weight([V, C], "bf16");
  const targets = Array.from({ length: rows }, () => bench.random.below(V));
  const attrs = { weight, targets: bench.words(targets), scale: 1 / rows, softcap: SOFTCAP };
  const { outputs, saved } = crossEntropyOp.forward(bench.program, [x.tensor], attrs, [true]);
  const { nll, gradient } = crossEntropy(x.values, values, targets, attrs.scale, SOFTCAP);
  bench.expect("loss", outputs[0]!, nll);
  bench.expect("dx", saved.dx!, gradient());
}

function recordDora(bench: Bench): void {
  const { values, weight } = bench.weight([V, C], "bf16");
  const [A, B] = [bench.input([RANK, C]), bench.input([V, RANK])];
  const [z, m, bias, dy] = [bench.input([N, V]), bench.input([V]), bench.input([V]), bench.input([N, V])];
  const norms = bench.program.tensor([V], "self-test");
  recordNorms(bench.program, weight, { A: A.tensor, B: B.tensor, scale: SCALE }, norms);
  const grad = bench.program.tensor([V], "self-test");
  bench.program.clear(grad);
  const attrs = { norms, bias: bias.tensor, begin: 0 };
  const needs = [true, true];
  const inputs = [z.tensor, { ...m.tensor, grad }];
  const { outputs, saved } = doraOp.forward(bench.program, inputs, attrs, needs);
  const [dz] = doraOp.backward(bench.program, saved, [dy.tensor], attrs, needs);
  const turned = sum(values, scaled(productNn(B.values, A.values, V, C, RANK), SCALE));
  const expected = dora(z.values, m.values, bias.values, turned, dy.values);
  bench.expect("norms", norms, expected.norms);
  bench.expect("y", outputs[0]!, expected.y);
  bench.expect("dz", dz!, expected.dz);
  bench.expect("dm", grad, expected.dm);
}

/** Rounds of write, dispatch, clear and copy, each over what the round before has read. */
function recordOrder({ program, input, expect }: Bench): void {
  const [x, y] = [input([2, C]), input([2, C])];
  const target = program.tensor([4, C], "self-test");
  program.clear(target);
  for (let round = 1; round <= 3; round++) {
    const values = scaled(x.values, round);
    program.write(x.tensor, Float32Array.from(values));
    const added = recordAdd(program, x.tensor, y.tensor);
    const expected = Float32Array.from(sum(values.map(Math.fround), y.values));
    program.copy(added, target, 2 * C * Float32Array.BYTES_PER_ELEMENT);
    program.clear(x.tensor);
    expect(`round ${round}, copied`, target, [...new Float32Array(2 * C), ...expected]);
    expect(`round ${round}, cleared`, recordAdd(program, x.tensor, added), expected);
  }
}

/** The same kernels as above on grids of two dimensions. */
function recordSpilled(bench: Bench): void {
  for (const record of [recordRows, recordRmsnorm, recordRope, recordGlu]) record(bench);
}

const row = (name: string, guards: string, record: (bench: Bench) => void, tolerance = 1e-4): SelfTestCase => ({
  name,
  guards,
  tolerance,
  run: (device) => measure(device, record),
});

export const opCases: readonly SelfTestCase[] = [
  row(
    "order of writes, copies and clears",
    "Every step of training: results that overtake one another.",
    recordOrder,
    0,
  ),
  row("embedding and rows", "Which words the model reads, and which carry loss.", recordRows, 0),
  row("rmsnorm", "The norm before each half of a block, and its gradient.", recordRmsnorm),
  row("rope", "The positions of words.", recordRope),
  row("glu and sum", "The activation of each block and the way around it.", recordGlu),
  row("attention", "What each word takes from others, in two texts laid end to end.", recordAttention),
  row("cross-entropy", "The loss over all words, and where learning starts.", recordCrossEntropy),
  row("dora", "How long DoRA makes each row of a layer's weights.", recordDora),
  {
    name: "large grids",
    guards: "Long batches: more than 65,535 workgroups are laid out in two dimensions.",
    tolerance: 1e-4,
    run: (device) => measure(device, recordSpilled, { folded: true }),
  },
];
