/**
 * End to end: one training step of a llama of one block with random weights and adapter, against the same model in f64.
 * Losses before and after the update, and the gradient along a random direction, by a difference of f64 losses.
 */
import { Random } from "../../core/random.ts";
import { layFlat } from "../../data/batches.ts";
import { type Example, NO_LOSS } from "../../data/encode.ts";
import type { Device } from "../../gpu/device.ts";
import { Program } from "../../gpu/program.ts";
import type { Adapter, AdapterFactor } from "../../lora/adapter.ts";
import { attachAdapter, freeLora, readFactors } from "../../lora/attach.ts";
import { targetLayers } from "../../lora/targets.ts";
import { freeWeights } from "../../models/load.ts";
import type { CausalLM } from "../../models/model.ts";
import { placeWeights } from "../../models/place.ts";
import { buildModel } from "../../models/registry.ts";
import { namedLeaves } from "../../nn/module.ts";
import { Adamw } from "../../optim/adamw.ts";
import { recordEvaluation, recordMicroBatch } from "../step.ts";
import { positionsNeeded } from "../token-batch.ts";
import {
  type Comparison,
  type Measured,
  normal,
  type SelfTestCase,
  uploadWeight,
  weightValues,
  worst,
} from "./bench.ts";
import { type AdapterValues, type LlamaWeights, llamaLosses } from "./llama-reference.ts";
import { type AdamwState, adamw, scaled, sum } from "./reference.ts";
import { SEGMENTS, SELF_TEST_CONFIG, V } from "./sizes.ts";

const RANK = 8;
const SCALE = 2;
/** AdamW's weight decay and clipping are on, so that they are part of the proof. */
const RULE = { learningRate: 0.01, weightDecay: 0.1, beta1: 0.9, beta2: 0.999, eps: 1e-8, maxGradNorm: 1 };
/** Step of the difference along a random direction: small against the adapter, large against f64's rounding. */
const DIFFERENCE = 1e-6;
const DIRECTIONS = 3;

async function trainOnce(device: Device): Promise<Measured> {
  const random = new Random(2);
  const model = buildModel(SELF_TEST_CONFIG, "self-test");
  const weights = uploadWeights(model, device, random);
  const adapter = randomAdapter(model, random);
  const lora = attachAdapter(model.tree, device, adapter, { trainable: true });
  const optimizer = new Adamw(device, lora.parameters, lora.gradients!);
  const batch = layFlat(SEGMENTS.map((length) => example(random, length)));
  try {
    model.rope.ensure(device, positionsNeeded(batch.positions));
    const step = new Program();
    step.clear(lora.gradients!);
    const options = { updateTokens: batch.rows.length, recomputed: 0 };
    const before = step.readFloats(recordMicroBatch(step, model, batch, options));
    const gradients = step.readFloats(lora.gradients!);
    // When the run fails it rejects with the same.
    optimizer.record(step, RULE).catch(() => {});
    const after = step.readFloats(recordEvaluation(step, model, batch));
    await device.run(step);

    const start = flat(adapter.factors);
    const gradient = flat(readFactors(lora, await gradients));
    const losses = (parameters: Float64Array) => llamaLosses(weights, unflat(adapter, parameters), batch);
    return worst([
      { what: "losses", got: await before, expected: losses(start) },
      slopes(gradient, start, losses, random),
      { what: "losses after one update", got: await after, expected: losses(updated(start, gradient)) },
    ]);
  } finally {
    optimizer.free(device);
    freeLora(device, lora);
    device.free(model.rope.full.tensor);
    freeWeights(model, device);
  }
}

/** Uploads random weights and gives their values by path. */
function uploadWeights(model: CausalLM, device: Device, random: Random): LlamaWeights {
  const values = new Map<string, Float64Array>();
  placeWeights(model.tree, device, () => "bf16");
  for (const { path, leaf } of namedLeaves(model.tree)) {
    if (leaf.kind === "rmsnorm") {
      values.set(
        path,
        normal(random, leaf.shape[0], 0.1).map((value) => Math.fround(1 + value)),
      );
      device.upload(leaf.weight!, new Uint8Array(Float32Array.from(values.get(path)!).buffer));
    } else {
      values.set(path, weightValues(random, leaf.shape[0] * leaf.shape[1]));
      uploadWeight(device, leaf.weight!, values.get(path)!);
    }
  }
  return values;
}

/** An adapter on every layer; neither factor is zero, so that both have gradients. */
function randomAdapter(model: CausalLM, random: Random): Adapter {
  const targets = targetLayers(model.tree, { targetModules: null, numLayers: 0 });
  const factors = targets.map(({ path, linear }) => {
    const [out_features, in_features] = linear.shape;
    const factor = (count: number) => Float32Array.from(normal(random, count, 0.05));
    const [A, B] = [factor(RANK * in_features), factor(out_features * RANK)];
    return { module: path, in_features, out_features, rank: RANK, A, B };
  });
  return { rank: RANK, alpha: RANK * SCALE, scale: SCALE, dropout: 0, factors, use_rslora: false };
}

/** A text of random words whose last four carry loss. */
function example(random: Random, length: number): Example {
  const ids = Uint32Array.from({ length }, () => random.below(V));
  const labels = Int32Array.from(ids, (id, t) => (t < length - 4 ? NO_LOSS : id));
  return { ids, labels, line: 0, truncated: false, supervised: 4 };
}

/** The factors' values one behind the other: A, then B, of each module. */
const flat = (factors: readonly AdapterFactor[]): Float64Array =>
  Float64Array.from(factors.flatMap(({ A, B }) => [...A, ...B]));

/** The same adapter with other values, in f64. */
function unflat(adapter: Adapter, values: Float64Array): AdapterValues {
  let at = 0;
  const take = (count: number) => {
    at += count;
    return values.subarray(at - count, at);
  };
  const factors = adapter.factors.map((factor) => ({ ...factor, A: take(factor.A.length), B: take(factor.B.length) }));
  return { scale: adapter.scale, factors };
}

/** The gradient along random directions, against (L(θ + εd) − L(θ − εd)) / 2ε. */
function slopes(
  gradient: Float64Array,
  start: Float64Array,
  losses: (parameters: Float64Array) => Float64Array,
  random: Random,
): Comparison {
  const loss = (parameters: Float64Array) => mean(losses(parameters));
  const directions = Array.from({ length: DIRECTIONS }, () => normal(random, start.length));
  return {
    what: "gradient along random directions",
    got: directions.map((direction) => direction.reduce((total, d, i) => total + d * gradient[i]!, 0)),
    expected: directions.map((direction) => {
      const [ahead, back] = [1, -1].map((sign) => loss(sum(start, scaled(direction, sign * DIFFERENCE))));
      return (ahead! - back!) / (2 * DIFFERENCE);
    }),
  };
}

const mean = (values: Float64Array): number => values.reduce((total, value) => total + value, 0) / values.length;

/** The parameters after the first update. */
function updated(parameters: Float64Array, gradient: Float64Array): Float64Array {
  const zeros = new Float64Array(parameters.length);
  const state: AdamwState = { parameters, m: zeros, v: zeros, applied: 0, skipped: 0 };
  adamw(state, gradient, RULE);
  return state.parameters;
}

export const trainingCase: SelfTestCase = {
  name: "a training step",
  guards: "All of it together: loss, gradients and update of a small model.",
  tolerance: 1e-4,
  run: trainOnce,
};
