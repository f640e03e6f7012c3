/** The same model in other files: element types, shards, both forms of config.json, split bindings, merged weights. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Batch } from "../../src/data/batches.ts";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { attachAdapter, detachAdapter } from "../../src/lora/attach.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { loadModel } from "../../src/models/load.ts";
import { headWeight } from "../../src/models/model.ts";
import { namedLeaves } from "../../src/nn/module.ts";
import { computeLogits } from "../../src/train/logits.ts";
import { relativeL2 } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixtureJson, fixtureTensors, flatten, type PaddedBatch, unpadRows } from "../support/golden.ts";
import { withBinding } from "../support/weights.ts";
import { logitsOf, mainBatch, stepOf, withFiles } from "./support.ts";

const LOGITS = 2e-5;
/** mlx's manifest. */
const MLX_LOGITS = 5e-5;

describe("the same model in other files", () => {
  let device: WebGpuDevice;
  let main: { padded: PaddedBatch; flat: Batch };

  beforeAll(async () => {
    device = await testDevice();
    main = await mainBatch();
  });

  it.each(["bf16", "f16", "sharded"])("%s weights give the oracle's logits", async (name) => {
    const golden = await fixtureTensors("formats/golden.safetensors");
    const model = await loadModel(fixtureFolder(`formats/${name}`), device);
    expect(headWeight(model).element).toBe(name === "sharded" ? "f32" : name);
    const logits = await computeLogits(device, model, main.flat);
    expect(relativeL2(logits, unpadRows(golden.get(`${name}.logits`)!, main.padded))).toBeLessThan(LOGITS);
    // The control: rounding the weights to 16 bits shows, so the element type was not ignored.
    const other = golden.get(name === "sharded" ? "bf16.logits" : "sharded.logits")!;
    expect(relativeL2(logits, unpadRows(other, main.padded))).toBeGreaterThan(5e-5);
  });

  it.each(["llama", "llama-tied", "qwen2"])("%s: both published forms of config.json mean the same", async (folder) => {
    const configs = ["config.json", "config_v4.json"].map((name) => fixtureJson(`${folder}/${name}`));
    const [fifth, fourth] = configs.map((json) => parseModelConfig(json, folder));
    expect(fourth).toEqual(fifth);
    const now = await logitsOf(fixtureFolder(folder), main.flat);
    const before = await logitsOf(withFiles(folder, { "config.json": "config_v4.json" }), main.flat);
    expect(before).toEqual(now);
  });

  it("splits weights by rows where bindings are small, with the same logits and gradients", async () => {
    const adapter = await importAdapter(fixtureFolder("llama/adapters/random"));
    const run = async (limited: WebGpuDevice) => {
      const model = await loadModel(fixtureFolder("llama"), limited);
      const shards = namedLeaves(model.tree).map(({ leaf }) =>
        leaf.kind === "rmsnorm" ? 1 : leaf.weight!.shards.length,
      );
      const lora = attachAdapter(model.tree, device, adapter, { trainable: true });
      const logits = await computeLogits(device, model, main.flat);
      return { shards, logits, ...(await stepOf(device, model, lora, main.flat)) };
    };
    const whole = await run(device);
    // 160 rows of 64 f32, and shards begin on multiples of 128: the embedding and the head of 320 rows need three.
    const split = await run(withBinding(device, 40 * 1024) as WebGpuDevice);
    expect(Math.max(...whole.shards)).toBe(1);
    expect(split.shards.filter((count) => count === 3)).toHaveLength(2);
    expect(relativeL2(split.logits, whole.logits)).toBeLessThan(1e-6);
    expect(relativeL2(split.flat, whole.flat)).toBeLessThan(1e-6);
    expect(split.loss).toBeCloseTo(whole.loss, 5);
  });

  it("merged weights, a PEFT adapter and the oracle's merged logits agree", async () => {
    const golden = unpadRows((await fixtureTensors("llama/golden.safetensors")).get("merged.logits")!, main.padded);
    const merged = await logitsOf(withFiles("llama", { "model.safetensors": "merged/model.safetensors" }), main.flat);
    const model = await loadModel(fixtureFolder("llama"), device);
    const adapter = await importAdapter(fixtureFolder("llama/adapters/random"));
    attachAdapter(model.tree, device, adapter, { trainable: false });
    const live = await computeLogits(device, model, main.flat);
    expect(relativeL2(merged, golden)).toBeLessThan(LOGITS);
    expect(relativeL2(live, golden)).toBeLessThan(LOGITS);
    detachAdapter(model.tree);
    expect(relativeL2(await computeLogits(device, model, main.flat), golden)).toBeGreaterThan(0.1);
  });

  it("an MLX adapter gives mlx-lm's logits", async () => {
    const golden = await fixtureTensors("mlx/golden.safetensors");
    const ids = (await fixtureTensors("mlx/inputs.safetensors")).get("eval.input_ids")!;
    const [rows, width] = ids.shape as [number, number];
    const values = Int32Array.from(ids.values);
    const batch = flatten({ ids: values, mask: values.map(() => 1), labels: values.map(() => -100), rows, width });
    const model = await loadModel(fixtureFolder("mlx/llama"), device);
    const base = await computeLogits(device, model, batch);
    expect(relativeL2(base, golden.get("llama.logits")!.values)).toBeLessThan(MLX_LOGITS);
    const adapter = await importAdapter(fixtureFolder("mlx/adapters-llama-random"));
    expect(adapter.scale).toBe(20);
    attachAdapter(model.tree, device, adapter, { trainable: false });
    const logits = await computeLogits(device, model, batch);
    expect(relativeL2(logits, golden.get("llama.random.logits")!.values)).toBeLessThan(MLX_LOGITS);
  });
});
