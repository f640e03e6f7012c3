/** Every family fused: the model of both answers as base and adapter do, and as peft's merge does. */
import { describe, expect, it } from "vitest";
import { type ModelSource, memoryModel } from "../../src/core/bytes.ts";
import { toFloat32 } from "../../src/core/dtype.ts";
import { roundToBytes } from "../../src/core/float-bytes.ts";
import { openCheckpoint } from "../../src/formats/checkpoint.ts";
import { type TensorData, writeSafetensors } from "../../src/formats/safetensors.ts";
import type { Adapter } from "../../src/lora/adapter.ts";
import { attachAdapter } from "../../src/lora/attach.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { loadModel } from "../../src/models/load.ts";
import { computeLogits } from "../../src/train/logits.ts";
import { logitsOf } from "../models/support.ts";
import { relativeL2 } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixtureTensors, flatten, paddedBatch, unpadRows } from "../support/golden.ts";
import { fuseWith } from "./fuse-support.ts";

const device = await testDevice();
/** As the families' own comparison with transformers. */
const LOGITS = 2e-5;

const FAMILIES = [
  ...["llama-tied", "qwen2", "qwen3", "mistral-sw", "gemma2", "gemma3", "phi3", "phi3-partial", "smollm3"],
];
const adapterOf = (family: string, name: string) => importAdapter(fixtureFolder(`${family}/adapters/${name}`));

async function mainOf(family: string) {
  const padded = paddedBatch(await fixtureTensors(`${family}/inputs.safetensors`), "main");
  return { padded, flat: flatten(padded) };
}

async function live(source: ModelSource, adapter: Adapter | null, flat: ReturnType<typeof flatten>) {
  const model = await loadModel(source, device);
  if (adapter) attachAdapter(model.tree, device, adapter, { trainable: false });
  return computeLogits(device, model, flat);
}

describe.each(FAMILIES)("%s", (family) => {
  it.each(["random", "rslora"])("with its %s adapter", async (name) => {
    const adapter = await adapterOf(family, name);
    const source = fixtureFolder(family);
    const { failed, target, lost, layers } = await fuseWith(undefined, { source, adapter });
    expect(failed).toEqual([]);
    expect(lost).toBeLessThan(1e-5);
    expect(layers).toHaveLength(adapter.factors.length);
    const { padded, flat } = await mainOf(family);
    const fused = await logitsOf(target.written, flat);
    expect(relativeL2(fused, await live(source, adapter, flat))).toBeLessThan(LOGITS);
    // The control: the base alone.
    expect(relativeL2(fused, await live(source, null, flat))).toBeGreaterThan(0.05);
    if (name !== "random") return;
    const golden = await fixtureTensors(`${family}/golden.safetensors`);
    expect(relativeL2(fused, unpadRows(golden.get("merged.logits")!, padded))).toBeLessThan(LOGITS);
  });
});

it("phi3's fused modules are merged whole: an adapter on one half of the rows of either is another model", async () => {
  const adapter = await adapterOf("phi3", "random");
  const fusedModules = adapter.factors.filter(({ module }) => /\.(qkv_proj|gate_up_proj)$/.test(module));
  expect(fusedModules).toHaveLength(4);
  const { flat } = await mainOf("phi3");
  const whole = await logitsOf(
    (await fuseWith(undefined, { source: fixtureFolder("phi3"), adapter })).target.written,
    flat,
  );
  for (const { module } of fusedModules) {
    const halved: Adapter = {
      ...adapter,
      factors: adapter.factors.map((factor) =>
        factor.module === module ? { ...factor, B: factor.B.map((b, i) => (i < factor.B.length / 2 ? b : 0)) } : factor,
      ),
    };
    const { target } = await fuseWith(undefined, { source: fixtureFolder("phi3"), adapter: halved });
    expect(relativeL2(await logitsOf(target.written, flat), whole), module).toBeGreaterThan(1e-3);
  }
});

it.each(["phi3", "gemma3"])(
  "%s in BF16: the same weights rounded, the same types, within what rounding explains",
  async (family) => {
    const adapter = await adapterOf(family, "random");
    const source = await inBf16(family);
    const { failed, target } = await fuseWith(undefined, { source, adapter });
    expect(failed).toEqual([]);
    const { flat } = await mainOf(family);
    const fused = await logitsOf(target.written, flat);
    expect(relativeL2(fused, await live(source, adapter, flat))).toBeLessThan(0.02);
    expect(relativeL2(fused, await live(source, null, flat))).toBeGreaterThan(0.05);
  },
);

/** A family's fixture with its weights rounded. */
async function inBf16(family: string): Promise<ModelSource> {
  const folder = fixtureFolder(family);
  const checkpoint = await openCheckpoint(folder);
  const tensors: TensorData[] = [];
  for (const { name, dtype, shape } of checkpoint.tensors.values()) {
    const values = toFloat32(await checkpoint.read(name), dtype);
    tensors.push({ name, dtype: "BF16", shape, bytes: roundToBytes(new Float64Array(values), "BF16") });
  }
  const config = (await folder.open("config.json"))!;
  return memoryModel(`${family} in BF16`, [
    { path: "config.json", bytes: await config.read(0, config.size) },
    { path: "model.safetensors", bytes: writeSafetensors(tensors) },
  ]);
}
