/** The model written for transformers.js is the engine's, its answers are too, and another model is given no ratio. */
import { describe, expect, it } from "vitest";
import {
  compareDecoding,
  compared,
  type DecodingSide,
  LOGIT_TOLERANCE,
} from "../../../src/cli/bench/peers/compare-decoding.ts";
import { offerGpu } from "../../../src/cli/bench/peers/library.ts";
import { putMeterOn } from "../../../src/cli/bench/peers/meter.ts";
import { checkPeers } from "../../../src/cli/bench/peers/names.ts";
import { onnxModel } from "../../../src/cli/bench/peers/onnx-model.ts";
import { loadOrt } from "../../../src/cli/bench/peers/ort-web.ts";
import { showPeers } from "../../../src/cli/bench/peers/show.ts";
import { type DecoderLibrary, openTransformers } from "../../../src/cli/bench/peers/transformers-js.ts";
import { placeRandom, type RandomWeight } from "../../../src/cli/bench/step-run.ts";
import { STEP_MODEL } from "../../../src/cli/bench/training-step.ts";
import { relativeDifference } from "../../../src/core/difference.ts";
import { Random } from "../../../src/core/random.ts";
import { buildModel } from "../../../src/models/registry.ts";
import { computeLogits } from "../../../src/train/logits.ts";
import { testDevice } from "../../support/device.ts";
import { testGpu } from "../../support/gpu.ts";

/** No two sides alike. */
const model = {
  ...STEP_MODEL,
  ...{ vocab_size: 96, hidden_size: 48, intermediate_size: 40, num_hidden_layers: 2, head_dim: 16 },
};
const IDS = [5, 90, 17, 17, 3, 64, 0, 33, 71, 8, 2, 95];
const options = { rounds: 1, signal: new AbortController().signal, onProgress: () => {} };

/** The same weights, but for one value of `path`. */
function spoiled(weights: ReadonlyMap<string, RandomWeight>, path: string): ReadonlyMap<string, RandomWeight> {
  const { shape, values } = weights.get(path)!;
  return new Map([...weights, [path, { shape, values: values.with(7, values[7]! + 0.1) as typeof values }]]);
}

it("writes a file that ONNX Runtime computes the engine's logits from", async () => {
  const device = await testDevice();
  const own = buildModel(model, "bench");
  const weights = placeRandom(device, own.tree, new Random(3));
  const ort = await loadOrt();
  const logitsOf = async (source: ReadonlyMap<string, RandomWeight>) => {
    const file = await onnxModel(model, source);
    const session = await ort.InferenceSession.create(file, { executionProviders: ["wasm"] });
    const row = (ids: number[]) => new ort.Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]);
    const empty = new ort.Tensor("float32", new Float32Array(0), [1, model.num_key_value_heads, 0, model.head_dim]);
    const past = session.inputNames.filter((name) => name.startsWith("past")).map((name) => [name, empty]);
    const feeds = { input_ids: row(IDS), attention_mask: row(IDS.map(() => 1)), ...Object.fromEntries(past) };
    const { logits } = await session.run(feeds);
    await session.release();
    return logits!.data as Float32Array;
  };
  const positions = Uint32Array.from(IDS, (_, i) => i);
  const batch = { input_ids: Uint32Array.from(IDS), positions, starts: new Uint32Array(IDS.length) };
  const ours = await computeLogits(device, own, batch);
  expect(relativeDifference(await logitsOf(weights), ours)).toBeLessThan(1e-5);
  // Each kind of weight counts.
  const block = "model.layers.1";
  const names = ["q_proj", "k_proj", "v_proj", "o_proj"].map((name) => `${block}.self_attn.${name}`);
  const feed = ["gate_proj", "up_proj", "down_proj"].map((name) => `${block}.mlp.${name}`);
  const norms = [`${block}.input_layernorm`, `${block}.post_attention_layernorm`, "model.norm"];
  for (const path of [...names, ...feed, ...norms, "lm_head"]) {
    const apart = relativeDifference(await logitsOf(spoiled(weights, path)), ours);
    expect(apart, path).toBeGreaterThan(LOGIT_TOLERANCE);
  }
});

describe("transformers.js", () => {
  const compare = async (change: (library: DecoderLibrary) => DecoderLibrary) => {
    offerGpu(testGpu());
    const device = await testDevice();
    const meter = putMeterOn();
    try {
      const library = change(await openTransformers());
      return await compareDecoding(device, library, meter, { model, prompt: 20, tokens: 6 }, options);
    } finally {
      meter.remove();
    }
  };

  it("gives the engine's answer, on the GPU", async () => {
    const { ours, theirs, apart, differsAt, ratio } = await compare((library) => library);
    expect(apart).toBeLessThan(1e-5);
    expect(differsAt).toBeNull();
    expect(theirs.tokens).toHaveLength(10);
    expect(theirs.tokens).toEqual(ours.tokens);
    expect(ratio).toBe(ours.tokensPerSecond / theirs.tokensPerSecond);
    // At least the linears of both layers, attention and norms.
    expect(theirs.dispatchesPerToken).toBeGreaterThan(20);
    expect(ours.dispatchesPerToken).toBeGreaterThan(10);
  });

  it("is given no ratio with another model", async () => {
    const { apart, ratio } = await compare((library) => ({
      ...library,
      open: (input) => library.open({ ...input, weights: spoiled(input.weights, "lm_head") }),
    }));
    expect(apart).toBeGreaterThan(LOGIT_TOLERANCE);
    expect(ratio).toBeNull();
  });

  it("is asked for by name", () => {
    expect(checkPeers(["transformers.js"])).toEqual(["transformers.js"]);
    expect(() => checkPeers(["transformersjs"])).toThrow('did you mean "transformers.js"');
  });
});

const side = (tokensPerSecond: number, tokens: readonly number[], dispatchesPerToken = 10): DecodingSide => ({
  ...{ tokensPerSecond, tokens, dispatchesPerToken, submitsPerToken: 1 },
});

it("gives a ratio only where logits and tokens agree", () => {
  const ours = side(300, [1, 2, 3]);
  const shown = (theirs: DecodingSide, apart: number, apartWithSubgroups: number | null = null) => {
    const decoding = compared(ours, theirs, { apart, apartWithSubgroups });
    const others = { device: "", libraries: [], problems: [], products: null, step: null, mlx: null };
    return [decoding.ratio, showPeers({ ...others, decoding })] as const;
  };
  const [ratio, text] = shown(side(200, [1, 2, 3]), LOGIT_TOLERANCE / 2);
  expect(ratio).toBe(1.5);
  expect(text).toContain("1.50 times the tokens/s of transformers.js; the same tokens, logits equal within 5.0e-5");
  expect(text).toMatch(/dispatches per token +10 +10/);
  expect(text).not.toContain("subgroups");
  expect(shown(side(200, [1, 2, 3]), 1e-6, 0.04)[1]).toContain("without subgroups: with them its logits are 4.0e-2");

  for (const [theirs, apart, words] of [
    [[1, 2, 4], 1e-6, "token 3 of the answer differs"],
    [[1, 2], 1e-6, "token 3 of the answer differs"],
    [[1, 2, 3], 2 * LOGIT_TOLERANCE, "logits are 2.0e-4 apart"],
    [[1, 2, 3], Number.NaN, "logits are NaN apart"],
  ] as const) {
    const [none, told] = shown(side(200, theirs), apart);
    expect(none).toBeNull();
    expect(told).toContain(`No ratio: ${words}`);
    expect(told).not.toContain("tokens/s");
  }
  expect(() => shown(side(200, [1, 2, 3], 0), 1e-6)).toThrow("did not compute on the GPU");
});
