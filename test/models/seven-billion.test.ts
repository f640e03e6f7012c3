/** A 7B model on paper, and one block of its exact size with 4-bit weights, against the same weights decoded to f32. */
import { beforeAll, describe, expect, it } from "vitest";
import { dequantizeRow } from "../../src/core/affine.ts";
import { bf16ToF32, f32ToBf16 } from "../../src/core/dtype.ts";
import { Random } from "../../src/core/random.ts";
import { layFlat } from "../../src/data/batches.ts";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import type { Weight } from "../../src/gpu/weight.ts";
import { storedRow } from "../../src/gpu/weight-element.ts";
import { attachLora, freeLora } from "../../src/lora/attach.ts";
import { freeWeights } from "../../src/models/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { placeWeights } from "../../src/models/place.ts";
import { buildModel } from "../../src/models/registry.ts";
import { namedLeaves } from "../../src/nn/module.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { estimateUpdate } from "../../src/train/estimate.ts";
import { relativeL2 } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { stepOf } from "./support.ts";

/** Qwen/Qwen2.5-7B-Instruct's config.json. */
const QWEN_7B = {
  ...{ model_type: "qwen2", vocab_size: 152064, hidden_size: 3584, intermediate_size: 18944, num_hidden_layers: 28 },
  ...{ num_attention_heads: 28, num_key_value_heads: 4, rms_norm_eps: 1e-6, rope_theta: 1e6 },
  max_position_embeddings: 32768,
};
const ELEMENT = "q4g64-bf16";
const train = resolveConfig({ rank: 8, alpha: 16 }, "test");

describe("Qwen2.5-7B in 4 bits", () => {
  it("trains 1,024 tokens in at most 7 GB", async () => {
    const config = parseModelConfig(QWEN_7B, "config.json");
    const lengths = [{ tokens: 1024, supervised: 1023 }];
    const plan = (element: "bf16" | typeof ELEMENT) =>
      estimateUpdate({ config, element, train, lengths, recomputed: config.num_hidden_layers });
    const coded = await plan(ELEMENT);
    console.log(
      `${(coded.weightBytes / 1e9).toFixed(2)} GB of weights, ${(coded.peakBytes / 1e9).toFixed(2)} GB at most`,
    );
    expect(coded.peakBytes).toBeLessThan(7e9);
    // The control: in bf16 it does not.
    expect((await plan("bf16")).peakBytes).toBeGreaterThan(15e9);
  });
});

describe("one block of it", () => {
  let device: WebGpuDevice;
  const config = parseModelConfig({ ...QWEN_7B, num_hidden_layers: 1, vocab_size: 64 }, "config.json");
  const ids = Uint32Array.from({ length: 8 }, (_, i) => (7 * i + 3) % 64);
  const batch = layFlat([{ ids, labels: Int32Array.from(ids), line: 0, truncated: false, supervised: 7 }]);
  beforeAll(async () => {
    device = await testDevice();
  });

  /** Loss and gradients of one update of a fresh adapter whose B is not zero. */
  async function step(fill: (model: CausalLM) => void, element: "f32" | typeof ELEMENT) {
    const model = buildModel(config, "7B");
    placeWeights(model.tree, device, () => element);
    fill(model);
    const lora = await attachLora(model.tree, device, { ...train, trainable: true });
    const random = new Random(3);
    const factors = Float32Array.from({ length: lora.parameters.shape[0]! }, () => 0.02 * random.normal());
    device.upload(lora.parameters, new Uint8Array(factors.buffer));
    const result = await stepOf(device, model, lora, batch);
    freeLora(device, lora);
    freeWeights(model, device);
    await device.idle();
    return result;
  }

  it("gives the loss and the gradients of its weights decoded to f32", async () => {
    const rows = new Map<string, Uint32Array<ArrayBuffer>>();
    const coded = await step((model) => {
      for (const [path, weight] of matrices(model)) {
        const words = randomCodes(weight, rows.size + 1);
        rows.set(path, words);
        for (const { tensor, begin, rows: count } of weight.shards) {
          const stride = storedRow(ELEMENT, weight.shape[1]).columns;
          device.upload(tensor, new Uint8Array(words.slice(begin * stride, (begin + count) * stride).buffer));
        }
      }
      fillVectors(device, model);
    }, ELEMENT);
    const plain = await step((model) => {
      for (const [path, weight] of matrices(model)) uploadDecoded(device, weight, rows.get(path)!);
      fillVectors(device, model);
    }, "f32");
    expect(plain.loss).toBeGreaterThan(1);
    expect(Math.abs(coded.loss - plain.loss)).toBeLessThan(1e-4);
    for (const [i, { module, A, B }] of coded.gradients.entries()) {
      expect(relativeL2(A, plain.gradients[i]!.A), module).toBeLessThan(1e-4);
      expect(relativeL2(B, plain.gradients[i]!.B), module).toBeLessThan(1e-4);
    }
    // The control: the gradients of another layer's A, of the same shape, are not these.
    expect(relativeL2(coded.gradients[0]!.A, coded.gradients[1]!.A)).toBeGreaterThan(0.1);
  });
});

const matrices = (model: CausalLM): [string, Weight][] =>
  namedLeaves(model.tree).flatMap(({ path, leaf }) =>
    leaf.kind === "rmsnorm" || !leaf.weight ? [] : [[path, leaf.weight] as [string, Weight]],
  );

/** Rows as the device stores them: random codes, scales and biases that give numbers of a trained layer's size. */
function randomCodes({ shape: [rows, columns] }: Weight, seed: number): Uint32Array<ArrayBuffer> {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state;
  };
  const stride = storedRow(ELEMENT, columns).columns;
  const words = new Uint32Array(rows * stride);
  const codes = (columns * 4) / 32;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < stride; i++) {
      if (i < codes) words[row * stride + i] = next() ^ (next() >>> 16);
      else {
        const scale = 0.002 + 0.003 * (next() / 2 ** 32);
        words[row * stride + i] = (f32ToBf16(scale) | (f32ToBf16(-7.5 * scale) << 16)) >>> 0;
      }
    }
  }
  return words;
}

function uploadDecoded(device: WebGpuDevice, weight: Weight, stored: Uint32Array<ArrayBuffer>): void {
  const [, columns] = weight.shape;
  const stride = storedRow(ELEMENT, columns).columns;
  const codes = (columns * 4) / 32;
  for (const { tensor, begin, rows } of weight.shards) {
    const slice = 256;
    for (let from = 0; from < rows; from += slice) {
      const count = Math.min(slice, rows - from);
      const values = new Float32Array(count * columns);
      for (let row = 0; row < count; row++) {
        const at = (begin + from + row) * stride;
        const pairs = stored.subarray(at + codes, at + stride);
        const scales = Float32Array.from(pairs, (pair) => bf16ToF32(pair & 0xffff));
        const biases = Float32Array.from(pairs, (pair) => bf16ToF32(pair >>> 16));
        const words = stored.subarray(at, at + codes);
        values.set(dequantizeRow({ words, scales, biases }, { bits: 4, group: 64 }), row * columns);
      }
      device.upload(tensor, new Uint8Array(values.buffer), from * columns * 4);
    }
  }
}

function fillVectors(device: WebGpuDevice, model: CausalLM): void {
  for (const { leaf } of namedLeaves(model.tree)) {
    if (leaf.kind === "rmsnorm") {
      device.upload(leaf.weight!, new Uint8Array(new Float32Array(leaf.shape[0]).fill(1).buffer));
    } else if (leaf.kind === "linear" && leaf.bias) {
      const values = Float32Array.from({ length: leaf.shape[0] }, (_, i) => 0.1 * Math.sin(i));
      device.upload(leaf.bias, new Uint8Array(values.buffer));
    }
  }
}
