/** gemma3 with eyes: only its language model is read, whichever way it is named. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { memoryModel, memorySource } from "../../src/core/bytes.ts";
import { openSafetensors, type TensorData, writeSafetensors } from "../../src/formats/safetensors.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { loadModel } from "../../src/models/load.ts";
import { describeModel } from "../../src/train/describe-model.ts";
import { computeLogits } from "../../src/train/logits.ts";
import { relativeL2 } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixtureJson, fixturePath, fixtureTensors, flatten, paddedBatch } from "../support/golden.ts";

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
});
