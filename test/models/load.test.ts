/** What the loader refuses, and how it says so: all faults of a folder in one error, with names and shapes. */
import { beforeAll, describe, expect, it } from "vitest";
import { type ModelSource, memoryModel } from "../../src/core/bytes.ts";
import { LorikeetError } from "../../src/core/errors.ts";
import { type TensorData, writeSafetensors } from "../../src/formats/safetensors.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { loadModel } from "../../src/models/load.ts";
import { supportedFamilies } from "../../src/models/registry.ts";
import { computeLogits } from "../../src/train/logits.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixtureJson, fixtureTensors } from "../support/golden.ts";
import { mainBatch } from "./support.ts";

const CONFIG = fixtureJson("llama/config.json");

/** A folder in memory; `change` may replace, add (null removes) tensors of the fixture. */
async function folder(
  config: unknown,
  change: Readonly<Record<string, TensorData | null>> = {},
  from = "llama",
): Promise<ModelSource> {
  const tensors = new Map<string, TensorData>();
  for (const [name, { shape, values }] of await fixtureTensors(`${from}/model.safetensors`)) {
    tensors.set(name, f32(name, shape, values));
  }
  for (const [name, tensor] of Object.entries(change)) {
    if (tensor) tensors.set(name, tensor);
    else tensors.delete(name);
  }
  const json = new TextEncoder().encode(JSON.stringify(config));
  const weights = writeSafetensors([...tensors.values()], { format: "pt" });
  return memoryModel("folder", [
    { path: "config.json", bytes: json },
    { path: "model.safetensors", bytes: weights },
  ]);
}

function f32(name: string, shape: readonly number[], values?: Float32Array): TensorData {
  const data = values ?? new Float32Array(shape.reduce((a, b) => a * b, 1));
  return { name, dtype: "F32", shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

const failure = (promise: Promise<unknown>): Promise<LorikeetError> =>
  promise.then(
    () => expect.unreachable("it loaded"),
    (error) => {
      expect(error).toBeInstanceOf(LorikeetError);
      return error;
    },
  );

describe("loading", () => {
  let device: WebGpuDevice;
  beforeAll(async () => {
    device = await testDevice();
  });

  it("reports every missing, unexpected, misshapen and unreadable tensor in one error, and uploads nothing", async () => {
    const q = "model.layers.0.self_attn.q_proj.weight";
    const k = "model.layers.1.self_attn.k_proj.weight";
    const source = await folder(CONFIG, {
      "model.norm.weight": null,
      [q]: f32(q, [64, 60]),
      [k]: { name: k, dtype: "F64", shape: [32, 64], bytes: new Uint8Array(32 * 64 * 8) },
      "model.layers.2.mlp.up_proj.weight": f32("model.layers.2.mlp.up_proj.weight", [160, 64]),
      // Old checkpoints store this; it is computed, and no fault.
      "model.layers.0.self_attn.rotary_emb.inv_freq": f32("model.layers.0.self_attn.rotary_emb.inv_freq", [8]),
    });
    const before = device.memory.live;
    const error = await failure(loadModel(source, device));
    expect(error.kind).toBe("model");
    expect(error.message.split("\n")).toEqual([
      "folder: 4 problems",
      `  ${q}: expected [64, 64], found [64, 60]`,
      `  ${k}: expected F32, F16 or BF16, found F64`,
      "  model.norm.weight is missing, expected [64]",
      "  model.layers.2.mlp.up_proj.weight is not a tensor of llama",
    ]);
    expect(error.hint).toContain("config.json");
    expect(device.memory.live).toBe(before);
    await loadModel(await folder(CONFIG), device); // the control
  });

  it("takes the head stored beside tied embeddings for what it is: the embedding", async () => {
    const config = fixtureJson("llama-tied/config.json");
    const shape = [config.vocab_size, config.hidden_size];
    const head = f32("lm_head.weight", shape);
    const main = await mainBatch();
    const stored = await loadModel(await folder(config, { "lm_head.weight": head }, "llama-tied"), device);
    const plain = await loadModel(fixtureFolder("llama-tied"), device);
    expect(await computeLogits(device, stored, main.flat)).toEqual(await computeLogits(device, plain, main.flat));
    // The control: an untied model needs its head.
    const untied = await failure(loadModel(await folder(CONFIG, { "lm_head.weight": null }), device));
    expect(untied.message).toContain("lm_head.weight is missing, expected [320, 64]");
  });

  it("names the supported families before anything else about another family's config", async () => {
    const gpt2 = { model_type: "gpt2", n_embd: 768, n_layer: 12, n_head: 12, vocab_size: 50257 };
    for (const config of [gpt2, { ...CONFIG, model_type: "mixtral" }]) {
      const error = await failure(loadModel(await folder(config), device));
      expect(error.kind).toBe("model");
      expect(error.message).toBe(
        `folder/config.json: model_type is "${config.model_type}", supported are ${supportedFamilies().join(", ")}`,
      );
      expect(error.hint).toMatch(/Llama|Qwen/);
    }
    const none = await failure(loadModel(await folder({ ...CONFIG, model_type: undefined }), device));
    expect(none.message).toContain("model_type: expected a text, got nothing");
  });

  it("says what the folder holds where config.json is missing", async () => {
    const source = memoryModel("folder", [{ path: "model.safetensors", bytes: new Uint8Array() }]);
    const error = await failure(loadModel(source, device));
    expect(error.message).toBe("folder: expected config.json, found model.safetensors");
  });

  it("refuses an activation that its blocks do not have", async () => {
    const error = await failure(loadModel(await folder({ ...CONFIG, hidden_act: "gelu" }), device));
    expect(error.message).toContain('hidden_act is "gelu"');
    expect(error.message).toContain('"silu"');
  });

  it("tells how far it is, up to all bytes", async () => {
    const steps: [number, number][] = [];
    const onProgress = (done: number, total: number) => void steps.push([done, total]);
    await loadModel(fixtureFolder("llama"), device, { onProgress });
    const tensors = await fixtureTensors("llama/model.safetensors");
    const bytes = [...tensors.values()].reduce((sum, { values }) => sum + 4 * values.length, 0);
    expect(steps).toHaveLength(tensors.size);
    expect(steps.at(-1)).toEqual([bytes, bytes]);
    expect(steps.every(([done], i) => i === 0 || done > steps[i - 1]![0])).toBe(true);
    expect(new Set(steps.map(([, total]) => total)).size).toBe(1);
  });

  it("stops when it is told to, with what is loaded given back", async () => {
    const stop = new AbortController();
    const before = device.memory.live;
    const onProgress = () => stop.abort();
    const loading = loadModel(fixtureFolder("llama"), device, { onProgress, signal: stop.signal });
    await expect(loading).rejects.toThrow(/abort/i);
    expect(device.memory.live).toBe(before);
  });
});
