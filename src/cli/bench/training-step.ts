/** One whole training step of a small llama with random weights: tokens a second, dispatches, bytes. */
import type { Random } from "../../core/random.ts";
import type { Example } from "../../data/encode.ts";
import { parseModelConfig } from "../../formats/model-config.ts";
import type { Device } from "../../gpu/device.ts";
import { Profiler } from "../../gpu/profiler.ts";
import type { WebGpuDevice } from "../../gpu/webgpu.ts";
import type { CausalLM } from "../../models/model.ts";
import { buildModel } from "../../models/registry.ts";
import { exampleOf, openStep, placeRandom, type StepSize } from "./step-run.ts";

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
export const STEP: StepSize = { model: STEP_MODEL, rows: ROWS, tokens: TOKENS };

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
  const run = await openStep(device, STEP);
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
    const loss = await run.step();
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
  placeRandom(device, model.tree, random);
  return model;
}

export const randomExample = (random: Random): Example => exampleOf(random, STEP);
