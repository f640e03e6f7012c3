/** What is compiled while a model loads is what its training step needs. */
import { expect, it } from "vitest";
import { openGpu } from "../../src/cli/node/gpu.ts";
import { layFlat } from "../../src/data/batches.ts";
import { Program } from "../../src/gpu/program.ts";
import { attachLora } from "../../src/lora/attach.ts";
import { loadModel } from "../../src/models/load.ts";
import { Adamw } from "../../src/optim/adamw.ts";
import { compileAhead } from "../../src/train/compile-ahead.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { recordMicroBatch } from "../../src/train/step.ts";
import { positionsNeeded } from "../../src/train/token-batch.ts";
import { fixtureFolder } from "../support/golden.ts";
import { example } from "./support.ts";

/** Pipelines that a step of `tokens` tokens had to wait for. */
async function compiledByStep(ahead: boolean, folder: string, tokens: number): Promise<string[]> {
  const device = await openGpu();
  const model = await loadModel(fixtureFolder(folder), device);
  if (ahead) await compileAhead(device, model);
  const compiled: string[] = [];
  const create = device.gpu.createComputePipelineAsync.bind(device.gpu);
  device.gpu.createComputePipelineAsync = (descriptor) => {
    compiled.push(descriptor.label ?? "");
    return create(descriptor);
  };
  const config = resolveConfig({ rank: 12 }, "test");
  const lora = await attachLora(model.tree, device, { ...config, trainable: true });
  const batch = layFlat([example(Array.from({ length: tokens }, (_, i) => i + 3))]);
  model.rope.ensure(device, positionsNeeded(batch.positions));
  const program = new Program();
  program.clear(lora.gradients!);
  const nll = program.readFloats(recordMicroBatch(program, model, batch, { updateTokens: tokens - 1, recomputed: 1 }));
  const report = new Adamw(device, lora.parameters, lora.gradients!).record(program, { ...config, learningRate: 1e-3 });
  await device.run(program);
  expect((await nll).every(Number.isFinite)).toBe(true);
  await report;
  device.destroy();
  return compiled;
}

it.each(["llama", "gemma2", "phi3-partial", "mlx/llama-q4"])("%s: nothing is left to compile", async (folder) => {
  expect(await compiledByStep(true, folder, 40)).toEqual([]);
  // The control: without it, there is much.
  expect((await compiledByStep(false, folder, 40)).length).toBeGreaterThan(10);
});
