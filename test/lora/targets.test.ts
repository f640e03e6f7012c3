/** Which linears an adapter goes on, by the names that people give. */
import { describe, expect, it } from "vitest";
import { splitModule } from "../../src/lora/adapter.ts";
import { targetLayers } from "../../src/lora/targets.ts";
import { buildModel } from "../../src/models/registry.ts";
import { KNOBS } from "../../src/train/config.ts";
import { fixtureConfig } from "./support.ts";

const keysOf = (folder: string, targetModules: readonly string[] | null, numLayers = 1) =>
  targetLayers(buildModel(fixtureConfig(`${folder}/config.json`), folder).tree, { targetModules, numLayers }).map(
    ({ path }) => splitModule(path).key,
  );
const DEFAULT = KNOBS.find(({ name }) => name === "targetModules")!.default as readonly string[];

describe("targets", () => {
  it.each(["llama", "qwen3", "gemma3", "smollm3"])("of %s by default are all seven projections", (folder) => {
    expect(keysOf(folder, DEFAULT)).toEqual(keysOf(folder, null));
    expect(keysOf(folder, DEFAULT)).toHaveLength(7);
  });

  it("of a family with fused modules are those that hold what was named, each once", () => {
    expect(keysOf("phi3", DEFAULT)).toEqual([
      "self_attn.qkv_proj",
      "self_attn.o_proj",
      "mlp.gate_up_proj",
      "mlp.down_proj",
    ]);
    expect(keysOf("phi3", ["v_proj", "q_proj"])).toEqual(["self_attn.qkv_proj"]);
    expect(keysOf("phi3", ["gate_up_proj"])).toEqual(["mlp.gate_up_proj"]);
  });

  it("may be paths below the block, and are refused where nothing is called so", () => {
    expect(keysOf("llama", ["self_attn.v_proj", "mlp.down_proj"])).toEqual(["self_attn.v_proj", "mlp.down_proj"]);
    expect(() => keysOf("llama", ["qkv_proj"])).toThrow("qkv_proj matches no linear layer");
    expect(() => keysOf("phi3", ["w1"])).toThrow("w1 matches no linear layer");
  });
});
