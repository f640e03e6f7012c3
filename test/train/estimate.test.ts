/** The dry run is exact: what it counts is what the real device then does. And its figures are those of the design. */
import { beforeAll, describe, expect, it } from "vitest";
import { STEP_MODEL } from "../../src/cli/bench/training-step.ts";
import { layFlat } from "../../src/data/batches.ts";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import { openDevice } from "../../src/gpu/open.ts";
import { Program } from "../../src/gpu/program.ts";
import { attachLora } from "../../src/lora/attach.ts";
import { loadModel } from "../../src/models/load.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { type EstimateInput, estimateUpdate } from "../../src/train/estimate.ts";
import { Guard } from "../../src/train/guard.ts";
import { LiveState } from "../../src/train/live-state.ts";
import { planMemory } from "../../src/train/memory-plan.ts";
import { recordMicroBatch } from "../../src/train/step.ts";
import { fixtureFolder } from "../support/golden.ts";
import { testGpu } from "../support/gpu.ts";
import { goldenExamples } from "./support.ts";

const MB = 1e6;
const train = resolveConfig({}, "test");
const lengthsOf = (rows: number, tokens: number) =>
  Array.from({ length: rows }, () => ({ tokens, supervised: tokens - 1 }));

/** Qwen/Qwen2.5-0.5B's config.json. */
const QWEN = parseModelConfig(
  {
    ...{ model_type: "qwen2", vocab_size: 151936, hidden_size: 896, intermediate_size: 4864, num_hidden_layers: 24 },
    ...{ num_attention_heads: 14, num_key_value_heads: 2, tie_word_embeddings: true, rms_norm_eps: 1e-6 },
    ...{ max_position_embeddings: 32768, rope_theta: 1000000 },
  },
  "estimate",
);

describe("the dry run", () => {
  it("counts the step of the 4-layer llama: at most 300 dispatches and 120 MB", async () => {
    const input = { config: STEP_MODEL, element: "f32" as const, train, lengths: lengthsOf(4, 128) };
    const plain = await estimateUpdate({ ...input, recomputed: 0 });
    expect(plain.dispatches).toBeLessThanOrEqual(300);
    expect(plain.peakBytes).toBeLessThanOrEqual(120 * MB);
    expect([...plain.byKernel.values()].reduce((sum, count) => sum + count, 0)).toBe(plain.dispatches);
  });

  it.each([
    ["plain", {}, 0],
    ["with one block recomputed", {}, 1],
    ["with all blocks recomputed", {}, 2],
    ["with dropout and fewer targets", { dropout: 0.1, targetModules: ["q_proj", "v_proj"], numLayers: 1 }, 0],
    ["DoRA", { fineTuneType: "dora" }, 0],
    ["DoRA with one block recomputed", { fineTuneType: "dora" }, 1],
    ["of these, recomputed", { dropout: 0.1, targetModules: ["q_proj", "v_proj"], numLayers: 1 }, 1],
  ])("equals the real device's dispatches, FLOPs and peak bytes, %s", async (_, knobs, recomputed) => {
    const examples = (await goldenExamples()).slice(0, 3);
    const settings = resolveConfig({ rank: 4, alpha: 8, ...knobs }, "test");
    // A device of its own, whose pool holds nothing yet.
    const device = await openDevice(testGpu());
    const model = await loadModel(fixtureFolder("llama"), device);
    const lora = await attachLora(model.tree, device, { ...settings, seed: null, trainable: true });
    const live = new LiveState(device, model, lora);
    new Guard(device, live.tensors);
    const batch = layFlat(examples);
    model.rope.ensure(device, 24);
    const program = new Program();
    program.clear(lora.gradients!);
    const nll = recordMicroBatch(program, model, batch, { updateTokens: batch.rows.length, recomputed });
    void program.read(nll);
    const report = live.optimizer.record(program, { ...settings, learningRate: 1e-4 }, nll);
    await device.run(program);
    expect((await report).finite).toBe(true);

    const lengths = examples.map(({ ids, supervised }) => ({ tokens: ids.length, supervised }));
    const input = { config: model.config, element: "f32" as const, train: settings, lengths, recomputed };
    const { dispatches, flops, peakBytes } = await estimateUpdate({ ...input, limits: device.limits });
    expect({ dispatches, flops, peakBytes }).toEqual({
      dispatches: device.counters.dispatches,
      flops: device.counters.flops,
      peakBytes: device.memory.peak,
    });
    device.destroy();
  });
});

describe("a micro-batch with a tensor that no buffer holds", () => {
  // The widest is [N, intermediate_size] in f32: few tokens carry loss, so there are few rows of logits.
  // Long records: below 128 MiB, which every device has, results are stacked.
  const TOKENS = 16_384;
  const bytes = 4 * 4 * TOKENS * STEP_MODEL.intermediate_size;
  const plan = (maxBinding: number, records: number, checkpointing: "auto" | "on" | "off") =>
    planMemory(
      {
        config: { ...STEP_MODEL, max_position_embeddings: TOKENS },
        element: "f32",
        train: { ...train, checkpointing },
        lengths: Array.from({ length: records }, () => ({ tokens: TOKENS, supervised: 8 })),
        limits: { maxBinding, maxBuffer: maxBinding },
      },
      null,
    );

  it.each(["auto", "on", "off"] as const)("does not fit, and a smaller batch does: checkpointing %s", async (how) => {
    expect((await plan(bytes, 4, how)).estimate.peakBytes).toBeGreaterThan(0);
    await expect(plan(bytes - 16, 4, how)).rejects.toMatchObject({
      ...{ code: "update-too-large", hint: expect.stringContaining("batch-size") },
    });
    expect((await plan(bytes - 16, 3, how)).blocks.recomputed > 0).toBe(how !== "off");
  });
});

describe("the estimate of Qwen2.5-0.5B at 2,048 tokens", () => {
  const input: EstimateInput = {
    config: QWEN,
    element: "bf16",
    train,
    lengths: lengthsOf(1, 2048),
    recomputed: 0,
  };
  let plain: Awaited<ReturnType<typeof estimateUpdate>>;
  let checkpointed: typeof plain;
  beforeAll(async () => {
    plain = await estimateUpdate(input);
    checkpointed = await estimateUpdate({ ...input, recomputed: QWEN.num_hidden_layers });
  });

  it("has the weights and the adapter that its config gives", async () => {
    // 494,032,768 parameters, as the Hub says; norms and biases are held in f32.
    const vectors = 24 * (2 * 896 + 896 + 2 * 128) + 896;
    expect(plain.weightBytes).toBe(2 * (494_032_768 - vectors) + 4 * vectors);
    // Rank 8 on 24 × (q, k, v, o, gate, up, down); four buffers: parameters, gradients, two moments; the guard
    // keeps two copies of all but the gradients.
    const widths = 2 * (896 + 896) + 2 * (896 + 128) + 3 * (896 + 4864);
    const buffer = 4 * 8 * 24 * widths;
    const unguarded = await estimateUpdate({ ...input, train: { ...train, guard: false } });
    for (const [{ adapterBytes }, buffers] of [
      [plain, 10],
      [unguarded, 4],
    ] as const) {
      expect(adapterBytes).toBeGreaterThanOrEqual(buffers * buffer);
      expect(adapterBytes).toBeLessThan(1.01 * buffers * buffer); // each factor padded to 256 bytes
    }
  });

  it("keeps at least what backward reads, and far less than logits or attention in full would take", () => {
    const activations = plain.peakBytes - plain.weightBytes - plain.adapterBytes;
    // Per block and token, backward needs the inputs of its linears and of the gated product, in f32.
    const saved = 4 * 2048 * 24 * (2 * 896 + 896 + 3 * 4864);
    expect(activations).toBeGreaterThan(saved);
    expect(activations).toBeLessThan(2 * saved);
  });

  it("is far lower with checkpointed blocks, for about a third more work", () => {
    const rest = plain.weightBytes + plain.adapterBytes;
    expect(checkpointed.peakBytes - rest).toBeLessThan((plain.peakBytes - rest) / 3);
    const ratio = checkpointed.flops / plain.flops;
    expect(ratio).toBeGreaterThan(1.15);
    expect(ratio).toBeLessThan(1.5);
  });

  it("does the FLOPs of two passes over the weights: forward, and backward to the activations", () => {
    // 2 FLOPs a weight and token and pass. The head's 136 M weights count although tied; the embedding is a look-up.
    const products = 2 * 2 * 2048 * 494e6;
    expect(plain.flops).toBeGreaterThan(products);
    expect(plain.flops).toBeLessThan(1.5 * products);
  });

  it("takes at most 1.9 GB with checkpointed blocks, and says what for", () => {
    expect(checkpointed.peakBytes).toBeLessThanOrEqual(1.9e9);
    for (const { parts, peakBytes, weightBytes, adapterBytes } of [plain, checkpointed]) {
      expect(Object.values(parts).reduce((sum, bytes) => sum + bytes, 0)).toBe(peakBytes);
      expect(parts.weights).toBe(weightBytes);
      expect(parts.adapter + parts.snapshots).toBe(adapterBytes);
      expect(parts.spare).toBeLessThan(0.05 * peakBytes);
    }
    // Checkpointed, the inputs of 24 blocks are kept, and the u32 of positions, ranges and targets.
    const inputs = 24 * 4 * 2048 * 896;
    expect(checkpointed.parts.kept).toBeGreaterThanOrEqual(inputs);
    expect(checkpointed.parts.kept).toBeLessThan(1.01 * inputs);
    expect(plain.parts.kept).toBeGreaterThan(10 * inputs);
    // The widest are the gate and up of one block; their gradients take their places.
    expect(checkpointed.widest[0]!.bytes).toBe(4 * 2048 * 2 * 4864);
    expect(checkpointed.parts.working).toBeLessThan(2.2 * checkpointed.widest[0]!.bytes);
  });

  it("computes 2,048 × 151,936 logits within 40 MB", () => {
    for (const { lossBytes } of [plain, checkpointed]) {
      expect(lossBytes).toBeGreaterThan(0.5 * 40 * MB);
      expect(lossBytes).toBeLessThanOrEqual(40 * MB);
    }
  });

  it("takes at most 36 dispatches a layer and 20 besides, at 512 tokens", async () => {
    const short = { ...input, lengths: lengthsOf(1, 512) };
    const { dispatches } = await estimateUpdate(short);
    expect(dispatches).toBeLessThanOrEqual(36 * 24 + 20);
    // The control: recomputed blocks are not to be had for nothing.
    expect((await estimateUpdate({ ...short, recomputed: 1 })).dispatches).toBeGreaterThan(dispatches);
  });

  it("needs less again on long records: attention and logits grow with the tokens, not with their square", async () => {
    const long = await estimateUpdate({ ...input, lengths: lengthsOf(1, 4096), recomputed: QWEN.num_hidden_layers });
    const grown = long.peakBytes - checkpointed.peakBytes;
    const held = checkpointed.peakBytes - checkpointed.weightBytes - checkpointed.adapterBytes;
    expect(grown).toBeLessThan(1.15 * held);
  });
});
