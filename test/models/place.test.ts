import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { root } from "../../src/cli/launch/places.mjs";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import type { WeightElement } from "../../src/gpu/weight.ts";
import { freeWeights } from "../../src/models/load.ts";
import { placeWeights } from "../../src/models/place.ts";
import { buildModel } from "../../src/models/registry.ts";
import type { Linear } from "../../src/nn/linear.ts";
import { namedLeaves } from "../../src/nn/module.ts";

function placed(family: string, elementOf: (path: string) => WeightElement = () => "bf16", device = new DryDevice()) {
  const config = JSON.parse(readFileSync(`${root}/test/fixtures/${family}/config.json`, "utf8"));
  const model = buildModel(parseModelConfig(config, family), family);
  placeWeights(model.tree, device, elementOf);
  const at = (name: string) =>
    namedLeaves(model.tree).find(({ path }) => path === `model.layers.0.${name}`)!.leaf as Linear;
  /** Offset of each weight, or null where they are in storages of their own. */
  const offsets = (...names: string[]) => {
    const tensors = names.map((name) => at(name).weight!.shards[0]!.tensor);
    return new Set(tensors.map(({ storage }) => storage)).size === 1 ? tensors.map(({ offset }) => offset) : null;
  };
  return { model, device, at, offsets };
}
const QKV = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
const GATE_UP = ["mlp.gate_proj", "mlp.up_proj"];

describe("layers that share their input", () => {
  it("lie one behind another, each with its own view", () => {
    const { offsets, at } = placed("llama");
    expect(offsets(...QKV)).toEqual([0, 2 * 64 * 64, 2 * 64 * (64 + 32)]);
    expect(offsets(...GATE_UP)).toEqual([0, 2 * 160 * 64]);
    expect(at("self_attn.k_proj").weight).toMatchObject({ shape: [32, 64], shards: [{ begin: 0, rows: 32 }] });
    expect(offsets("self_attn.o_proj", "self_attn.q_proj")).toBeNull();
  });

  it("lie apart where they are stored unlike", () => {
    const { offsets } = placed("llama", (path) => (path.endsWith("v_proj") ? "f32" : "bf16"));
    expect(offsets(...QKV)).toBeNull();
    expect(offsets(...GATE_UP)).not.toBeNull();
  });

  it("lie apart where a bias would begin where nothing can be bound", () => {
    const { offsets, at } = placed("qwen2");
    expect(offsets(...QKV)).toBeNull();
    expect(at("self_attn.v_proj").bias!.shape).toEqual([32]);
  });

  it("lie apart where one binding does not hold them", () => {
    const maxBinding = 2 * 2 * 160 * 64 - 16;
    const { offsets } = placed("llama", undefined, new DryDevice({ maxBinding, maxBuffer: 2 ** 30 }));
    expect(offsets(...GATE_UP)).toBeNull();
    expect(offsets(...QKV)).not.toBeNull();
  });

  it("are given back whole", () => {
    for (const family of ["llama", "llama-tied", "qwen2"]) {
      const { model, device } = placed(family);
      expect(device.memory.live).toBeGreaterThan(0);
      freeWeights(model, device);
      expect(device.memory.live).toBe(0);
    }
  });
});
