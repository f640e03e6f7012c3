/** One whole training step of a small llama with random weights: tokens a second, dispatches, bytes. */
import { Random } from "../../core/random.ts";
import { layFlat } from "../../data/batches.ts";
import type { Example } from "../../data/encode.ts";
import { parseModelConfig } from "../../formats/model-config.ts";
import type { Device } from "../../gpu/device.ts";
import { Profiler } from "../../gpu/profiler.ts";
import { Program } from "../../gpu/program.ts";
import type { WebGpuDevice } from "../../gpu/webgpu.ts";
import { attachLora } from "../../lora/attach.ts";
import type { CausalLM } from "../../models/model.ts";
import { placeWeights } from "../../models/place.ts";
import { buildModel } from "../../models/registry.ts";
import { namedLeaves } from "../../nn/module.ts";
import { Adamw } from "../../optim/adamw.ts";
import { resolveConfig } from "../../train/config.ts";
import { sum } from "../../train/evaluate.ts";
import { recordMicroBatch } from "../../train/step.ts";

/** Four layers, 4 × 128 tokens, rank 8 on all linears. */
export const STEP_MODEL = parseModelConfig(
  {
    model_type: "llama",
    vocab_size: 2048,
    hidden_size: 256,
    intermediate_size: 688,
    num_hidden_layers: 4,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 64,
    rms_norm_eps: 1e-5,
    max_position_embeddings: 512,
  },
  "bench",
);
export const ROWS = 4;
const TOKENS = 128;

export interface StepResult {
  readonly tokensPerSecond: number;
  readonly secondsPerStep: number;
  readonly dispatches: number;
  readonly submits: number;
  readonly peakBytes: number;
  readonly flops: number;
  readonly losses: readonly number[];
  /** Of the GPU's time in one more step, by kernel, the longest first; empty where the device has no timestamps. */
  readonly shares: readonly (readonly [kernel: string, share: number])[];
}

export async function benchTrainingStep(device: WebGpuDevice, steps: number): Promise<StepResult> {
  const random = new Random(1);
  const model = randomModel(device, random);
  const config = resolveConfig({ rank: 8, alpha: 16 }, "bench");
  const lora = await attachLora(model.tree, device, { ...config, trainable: true });
  const optimizer = new Adamw(device, lora.parameters, lora.gradients!);
  const batch = layFlat(Array.from({ length: ROWS }, () => randomExample(random)));
  model.rope.ensure(device, TOKENS);

  const losses: number[] = [];
  const counted = { ...device.counters };
  let seconds = 0;
  const profiler = Profiler.of(device.gpu);
  let measured = { ...device.counters };
  for (let step = 0; step <= steps + 1; step++) {
    await device.idle();
    // Each kernel in a pass of its own takes longer: the last step is for the shares alone.
    const timed = step <= steps;
    if (!timed) {
      measured = { ...device.counters };
      device.profiler = profiler;
    }
    // The first step compiles and is not counted.
    if (step === 1) Object.assign(counted, device.counters);
    const start = performance.now();
    const program = new Program();
    program.clear(lora.gradients!);
    const options = { updateTokens: batch.rows.length, recomputed: 0 };
    const nll = program.readFloats(recordMicroBatch(program, model, batch, options));
    const report = optimizer.record(program, { ...config, learningRate: 1e-3 });
    await device.run(program);
    const loss = sum(await nll) / batch.rows.length;
    await report;
    if (timed) losses.push(loss);
    if (timed && step > 0) seconds += (performance.now() - start) / 1000;
  }
  device.profiler = null;
  return {
    tokensPerSecond: (steps * ROWS * TOKENS) / seconds,
    secondsPerStep: seconds / steps,
    dispatches: (measured.dispatches - counted.dispatches) / steps,
    submits: (measured.submits - counted.submits) / steps,
    peakBytes: device.memory.peak,
    flops: (measured.flops - counted.flops) / steps,
    losses,
    shares: sharesOf(await profiler?.collect()),
  };
}

function sharesOf(seconds: ReadonlyMap<string, number> = new Map()): StepResult["shares"] {
  const all = [...seconds.values()].reduce((total, own) => total + own, 0);
  return [...seconds].map(([kernel, own]) => [kernel, own / all]);
}

/** The bench's model with random weights on the device. */
export function randomModel(device: Device, random: Random): CausalLM {
  const model = buildModel(STEP_MODEL, "bench");
  placeWeights(model.tree, device, () => "f32");
  for (const { leaf } of namedLeaves(model.tree)) {
    if (leaf.kind === "rmsnorm") {
      device.upload(leaf.weight!, new Uint8Array(new Float32Array(leaf.shape[0]).fill(1).buffer));
      continue;
    }
    for (const { tensor, rows } of leaf.weight!.shards) {
      const values = Float32Array.from({ length: rows * leaf.shape[1] }, () => 0.02 * random.normal());
      device.upload(tensor, new Uint8Array(values.buffer));
    }
  }
  return model;
}

export function randomExample(random: Random): Example {
  const ids = Uint32Array.from({ length: TOKENS }, () => random.below(STEP_MODEL.vocab_size));
  return { ids, labels: Int32Array.from(ids), line: 0, truncated: false, supervised: TOKENS - 1 };
}
