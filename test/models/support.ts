/** Models from the fixtures, their logits, and one forward and backward of them. */
import type { ModelSource } from "../../src/core/bytes.ts";
import type { Batch } from "../../src/data/batches.ts";
import type { Device } from "../../src/gpu/device.ts";
import { Program } from "../../src/gpu/program.ts";
import { type AttachedLora, readFactors } from "../../src/lora/attach.ts";
import { loadModel } from "../../src/models/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { sum } from "../../src/train/evaluate.ts";
import { computeLogits } from "../../src/train/logits.ts";
import { recordMicroBatch } from "../../src/train/step.ts";
import { positionsNeeded } from "../../src/train/token-batch.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixtureTensors, flatten, paddedBatch } from "../support/golden.ts";

/** The `main` batch of the llama goldens: as a padded batch and laid flat. */
export async function mainBatch() {
  const padded = paddedBatch(await fixtureTensors("llama/inputs.safetensors"), "main");
  return { padded, flat: flatten(padded) };
}

/** A fixture folder in which some files are others. */
export function withFiles(folder: string, replaced: Readonly<Record<string, string>>): ModelSource {
  const source = fixtureFolder(folder);
  return { ...source, label: folder, open: (path) => source.open(replaced[path] ?? path) };
}

export async function logitsOf(source: ModelSource, batch: Batch): Promise<Float32Array> {
  const device = await testDevice();
  return computeLogits(device, await loadModel(source, device), batch);
}

export interface StepResult {
  /** Mean over the supervised tokens. */
  readonly loss: number;
  /** In the layout of the adapter's buffer. */
  readonly flat: Float32Array;
  readonly gradients: ReturnType<typeof readFactors>;
}

/** Loss and gradients of one micro-batch. */
export async function stepOf(
  device: Device,
  model: CausalLM,
  lora: AttachedLora,
  batch: Batch,
  recomputed = 0,
): Promise<StepResult> {
  model.rope.ensure(device, positionsNeeded(batch.positions));
  const program = new Program();
  program.clear(lora.gradients!);
  const options = { updateTokens: batch.rows.length, recomputed };
  const nll = program.readFloats(recordMicroBatch(program, model, batch, options));
  const gradients = program.readFloats(lora.gradients!);
  await device.run(program);
  const flat = await gradients;
  return { loss: sum(await nll) / batch.rows.length, flat, gradients: readFactors(lora, flat) };
}
