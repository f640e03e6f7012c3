/** gemma3 with eyes: only its language model is read, whichever way it is named. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { memoryModel, memorySource } from "../../src/core/bytes.ts";
import { openCheckpoint } from "../../src/formats/checkpoint.ts";
import { openSafetensors, type TensorData, writeSafetensors } from "../../src/formats/safetensors.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { attachAdapter } from "../../src/lora/attach.ts";
import { type AdapterFile, exportMlx, exportPeft } from "../../src/lora/export.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { loadModel } from "../../src/models/load.ts";
import { describeModel } from "../../src/train/describe-model.ts";
import { computeLogits } from "../../src/train/logits.ts";
import { relativeL2 } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixtureJson, fixturePath, fixtureTensors, flatten, paddedBatch } from "../support/golden.ts";
import { fuseWith } from "../train/fuse-support.ts";
import { configOf, goldenExamples, openSession, runOf } from "../train/support.ts";

let device: WebGpuDevice;
beforeAll(async () => {
  device = await testDevice();
});

/** The fixture's tensors under other names, beside some of a vision tower. */
async function wrapped(rename: (name: string) => string, vision: string) {
  const file = await openSafetensors(memorySource("f", readFileSync(fixturePath("gemma3/model.safetensors"))));
  const tensors: TensorData[] = await Promise.all(
    [...file.tensors.values()].map(async ({ name, dtype, shape }) => {
      const bytes = await file.read(file.tensors.get(name)!);
      return { name: rename(name), dtype, shape, bytes };
    }),
  );
  tensors.push({ name: `${vision}.patch.weight`, dtype: "F32", shape: [4], bytes: new Uint8Array(16) });
  const { eos_token_id, ...text_config } = fixtureJson("gemma3/config.json");
  const config = { model_type: "gemma3", vision_config: { hidden_size: 8 }, eos_token_id: [1, 106], text_config };
  return memoryModel("eyes", [
    { path: "config.json", bytes: new TextEncoder().encode(JSON.stringify(config)) },
    { path: "model.safetensors", bytes: writeSafetensors(tensors) },
  ]);
}

describe.each([
  ["published", (name: string) => `language_model.${name}`, "vision_tower"],
  ["transformers 5", (name: string) => name.replace(/^model\./, "model.language_model."), "model.vision_tower"],
] as const)("named as %s", (_, rename, vision) => {
  it("gives the logits of its language model, and says what it is before it is loaded", async () => {
    const source = await wrapped(rename, vision);
    const batch = flatten(paddedBatch(await fixtureTensors("gemma3/inputs.safetensors"), "main"));
    const own = await loadModel(source, device);
    expect(own.config).toMatchObject({ model_type: "gemma3_text", eos_token_id: [1, 106] });
    const expected = await computeLogits(device, await loadModel(fixtureFolder("gemma3"), device), batch);
    expect(relativeL2(await computeLogits(device, own, batch), expected)).toBe(0);
    expect((await describeModel(source)).facts.family).toBe("gemma3_text");
  });

  it("is fused where it lies, and what sees is left as it was", async () => {
    const source = await wrapped(rename, vision);
    const adapter = await importAdapter(fixtureFolder("gemma3/adapters/random"));
    const { failed, target } = await fuseWith(undefined, { source, adapter });
    expect(failed).toEqual([]);
    const before = await openCheckpoint(source);
    const after = await openCheckpoint(target.written);
    expect([...after.tensors.keys()].sort()).toEqual([...before.tensors.keys()].sort());
    expect(await after.read(`${vision}.patch.weight`)).toEqual(await before.read(`${vision}.patch.weight`));
    const batch = flatten(paddedBatch(await fixtureTensors("gemma3/inputs.safetensors"), "main"));
    const live = await loadModel(source, device);
    const base = await computeLogits(device, live, batch);
    attachAdapter(live.tree, device, adapter, { trainable: false });
    const fused = await computeLogits(device, await loadModel(target.written, device), batch);
    expect(relativeL2(fused, await computeLogits(device, live, batch))).toBeLessThan(2e-5);
    expect(relativeL2(fused, base)).toBeGreaterThan(0.05);
  });

  it("is what its adapter is for: files name the language model, as the tools that load it do", async () => {
    const session = await openSession(await wrapped(rename, vision));
    const { done } = await runOf(session, { config: configOf({ steps: 1 }), train: await goldenExamples("gemma3") });
    const namesIn = async (files: AdapterFile[]) => {
      const { path, bytes } = files.find((file) => file.path.endsWith(".safetensors"))!;
      return [...(await openSafetensors(memorySource(path, bytes))).tensors.keys()];
    };
    const mlx = await namesIn(exportMlx(done.adapter));
    const peft = await namesIn(exportPeft(done.adapter));
    expect(mlx.filter((name) => !name.startsWith("language_model.model.layers."))).toEqual([]);
    expect(peft.filter((name) => !name.startsWith("base_model.model.model.language_model.layers."))).toEqual([]);
    const back = await importAdapter(memoryModel("adapter", exportMlx(done.adapter)));
    expect(back.factors.map(({ module }) => module)).toEqual(done.adapter.factors.map(({ module }) => module).sort());
  });
});
