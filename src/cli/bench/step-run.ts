/** A small llama with random weights, an adapter and one batch, ready to make training steps: the same from every seed. */
import { Random } from "../../core/random.ts";
import { type Batch, layFlat } from "../../data/batches.ts";
import type { Example } from "../../data/encode.ts";
import type { ModelConfig } from "../../formats/model-config.ts";
import type { Device } from "../../gpu/device.ts";
import { Program } from "../../gpu/program.ts";
import { type AttachedLora, attachLora } from "../../lora/attach.ts";
import type { CausalLM } from "../../models/model.ts";
import { placeWeights } from "../../models/place.ts";
import { buildModel } from "../../models/registry.ts";
import { type ModuleTree, namedLeaves } from "../../nn/module.ts";
import { Adamw } from "../../optim/adamw.ts";
import { resolveConfig, type TrainConfig } from "../../train/config.ts";
import { sum } from "../../train/evaluate.ts";
import { recordMicroBatch } from "../../train/step.ts";

export interface StepSize {
  readonly model: ModelConfig;
  readonly rows: number;
  /** Of each row. */
  readonly tokens: number;
}

export interface RandomWeight {
  readonly shape: readonly number[];
  /** Row-major, as uploaded. */
  readonly values: Float32Array<ArrayBuffer>;
}

export interface StepRun {
  readonly model: CausalLM;
  readonly lora: AttachedLora;
  readonly config: TrainConfig;
  /** By the path of their module. */
  readonly weights: ReadonlyMap<string, RandomWeight>;
  readonly batch: Batch;
  /** One whole update; returns the loss before it. A GPU→CPU wait. */
  step(): Promise<number>;
}

/** Rank 8 on all linears, as the defaults of training have it. */
export async function openStep(device: Device, size: StepSize): Promise<StepRun> {
  const random = new Random(1);
  const model = buildModel(size.model, "bench");
  const weights = placeRandom(device, model.tree, random);
  const config = { ...resolveConfig({ rank: 8, alpha: 16 }, "bench"), learningRate: 1e-3 };
  const lora = await attachLora(model.tree, device, { ...config, trainable: true });
  const optimizer = new Adamw(device, lora.parameters, lora.gradients!);
  const batch = layFlat(Array.from({ length: size.rows }, () => exampleOf(random, size)));
  model.rope.ensure(device, size.tokens);

  const step = async () => {
    const program = new Program();
    program.clear(lora.gradients!);
    const options = { updateTokens: batch.rows.length, recomputed: 0 };
    const nll = program.readFloats(recordMicroBatch(program, model, batch, options));
    const report = optimizer.record(program, config);
    await device.run(program);
    const loss = sum(await nll) / batch.rows.length;
    await report;
    return loss;
  };
  return { model, lora, config, weights, batch, step };
}

/** Gives every module a place on the device and random values there; returns them. */
export function placeRandom(device: Device, tree: ModuleTree, random: Random): StepRun["weights"] {
  placeWeights(tree, device, () => "f32");
  const weights = new Map<string, RandomWeight>();
  for (const { path, leaf } of namedLeaves(tree)) {
    if (leaf.kind === "rmsnorm") {
      const ones = new Float32Array(leaf.shape[0]).fill(1);
      weights.set(path, { shape: leaf.shape, values: ones });
      device.upload(leaf.weight!, new Uint8Array(ones.buffer));
      continue;
    }
    const [rows, columns] = leaf.shape;
    const values = Float32Array.from({ length: rows * columns }, () => 0.02 * random.normal());
    weights.set(path, { shape: leaf.shape, values });
    for (const { tensor, begin, rows: own } of leaf.weight!.shards) {
      device.upload(tensor, new Uint8Array(values.buffer, 4 * begin * columns, 4 * own * columns));
    }
  }
  return weights;
}

/** A row of random tokens, all of them supervised. */
export function exampleOf(random: Random, { model, tokens }: StepSize): Example {
  const ids = Uint32Array.from({ length: tokens }, () => random.below(model.vocab_size));
  return { ids, labels: Int32Array.from(ids), line: 0, truncated: false, supervised: tokens - 1 };
}
