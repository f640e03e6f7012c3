/** Every frozen tensor is in the fingerprint under its name; one changed bit names it, a whole training run changes none. */
import { beforeAll, describe, expect, it } from "vitest";
import { Program } from "../../src/gpu/program.ts";
import { sliceRows, type Tensor } from "../../src/gpu/tensor.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { loadModel, wantedTensors } from "../../src/models/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { buildModel } from "../../src/models/registry.ts";
import { changedTensors, fingerprintBase } from "../../src/train/fingerprint.ts";
import { fixtureConfig } from "../lora/support.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder } from "../support/golden.ts";
import { alteredDevice, readsZeros } from "../support/planted.ts";
import { withBinding } from "../support/weights.ts";
import { configOf, fixtureAdapter, goldenExamples, openSession, runOf } from "./support.ts";

let device: WebGpuDevice;
beforeAll(async () => {
  device = await testDevice();
});

/** The last piece of a tensor on the device, by its Hub name. */
function pieceOf(model: CausalLM, wanted: string): Tensor {
  const { leaf, part } = wantedTensors(model).find(({ name }) => name === wanted)!;
  if (part === "bias" && leaf.kind === "linear") return leaf.bias!;
  const { weight } = leaf;
  return "shards" in weight! ? weight.shards.at(-1)!.tensor : weight!;
}

/** Flips a bit of the last word of one tensor, runs `body`, and flips it back. */
async function withFlippedBit<T>(model: CausalLM, name: string, bit: number, body: () => Promise<T>): Promise<T> {
  const tensor = pieceOf(model, name);
  const program = new Program();
  const reading = program.read(tensor);
  await device.run(program);
  const bytes = new Uint8Array(await reading);
  const last = bytes.slice(-4);
  const flipped = last.slice();
  flipped[bit >> 3]! ^= 1 << (bit & 7);
  device.upload(tensor, flipped, bytes.length - 4);
  const result = await body();
  device.upload(tensor, last, bytes.length - 4);
  return result;
}

describe("fingerprint", () => {
  // qwen2 has biases and a tied head, llama a head of its own.
  it.each(["qwen2", "llama"])(
    "%s: names each tensor in turn when one bit of it changes, and only that",
    async (name) => {
      const model = await loadModel(fixtureFolder(name), device);
      const names = wantedTensors(model).map((tensor) => tensor.name);
      const before = await fingerprintBase(device, model);
      expect([...before.tensors.keys()]).toEqual(names);
      for (const end of name === "qwen2"
        ? ["q_proj.bias", "embed_tokens.weight", "input_layernorm.weight"]
        : ["lm_head.weight"])
        expect(
          names.some((each) => each.endsWith(end)),
          end,
        ).toBe(true);
      for (const [i, tensor] of names.entries()) {
        const after = await withFlippedBit(model, tensor, (5 * i) % 32, () => fingerprintBase(device, model));
        expect(changedTensors(before, after)).toEqual([tensor]);
      }
      expect(changedTensors(before, await fingerprintBase(device, model))).toEqual([]);
    },
  );

  it.each(["bf16", "f16"])("%s weights as they lie, two to a word", async (name) => {
    const model = await loadModel(fixtureFolder(`formats/${name}`), device);
    const before = await fingerprintBase(device, model);
    for (const bit of [0, 15, 16, 31]) {
      const tensor = "model.layers.1.mlp.down_proj.weight";
      const after = await withFlippedBit(model, tensor, bit, () => fingerprintBase(device, model));
      expect(changedTensors(before, after)).toEqual([tensor]);
    }
  });

  it("is the same wherever a device's limits split the weights", async () => {
    const whole = await fingerprintBase(device, await loadModel(fixtureFolder("llama"), device));
    const limited = withBinding(device, 40 * 1024) as WebGpuDevice;
    const model = await loadModel(fixtureFolder("llama"), limited);
    const embedding = pieceOf(model, "model.embed_tokens.weight");
    expect(embedding.shape[0]).toBe(64); // the last 64 of 320 rows
    const split = await fingerprintBase(device, model);
    expect(split).toEqual(whole);
    const after = await withFlippedBit(model, "lm_head.weight", 7, () => fingerprintBase(device, model));
    expect(changedTensors(split, after)).toEqual(["lm_head.weight"]);
  });

  it("training leaves the base as it was; a kernel that wrote one weight would be named", async () => {
    const session = await openSession();
    const { model } = session;
    const before = await fingerprintBase(device, model);
    session.setAdapter(await fixtureAdapter("random"));
    expect(changedTensors(before, await fingerprintBase(device, model))).toEqual([]);
    const config = configOf({ steps: 3, learningRate: 1e-2 });
    await runOf(session, { config, train: await goldenExamples() });
    // With the trained adapter still on: its factors are not among the frozen tensors.
    const after = await fingerprintBase(device, model);
    expect(changedTensors(before, after)).toEqual([]);
    const written = "model.layers.0.self_attn.q_proj.weight";
    const broken = await withFlippedBit(model, written, 0, () => fingerprintBase(device, model));
    expect(changedTensors(before, broken)).toEqual([written]);
  });

  it("tells tensors that only one side has, rows written over others, and a model without weights", async () => {
    const model = await loadModel(fixtureFolder("llama"), device);
    const before = await fingerprintBase(device, model);
    const less = { ...before, tensors: new Map([...before.tensors].slice(1)) };
    expect(changedTensors(before, less)).toEqual(["model.embed_tokens.weight"]);
    expect(changedTensors(less, before)).toEqual(["model.embed_tokens.weight"]);
    const embedding = pieceOf(model, "model.embed_tokens.weight");
    const program = new Program();
    const copy = program.tensor([64, 64], "rows");
    program.copy(sliceRows(embedding, 0, 64), copy);
    program.copy(copy, embedding, 64 * 64 * 4);
    await device.run(program);
    expect(changedTensors(before, await fingerprintBase(device, model))).toEqual(["model.embed_tokens.weight"]);
    const empty = buildModel(fixtureConfig("llama/config.json"), "test");
    await expect(fingerprintBase(device, empty)).rejects.toThrow("model.embed_tokens.weight has no weights yet");
  });

  it("covers every byte once, in one program with one readback", async () => {
    const model = await loadModel(fixtureFolder("llama"), device);
    const live = device.memory.live;
    const readbacks: number[] = [];
    const counting = alteredDevice(device, {
      program: (commands) => readbacks.push(commands.filter(({ kind }) => kind === "read").length),
    });
    const { bytes, tensors } = await fingerprintBase(counting, model);
    expect(readbacks).toEqual([1]);
    // 127,296 f32 numbers: the fixture's file less its header.
    expect(bytes).toBe(4 * 127_296);
    expect(tensors.size).toBe(21);
    expect(device.memory.live).toBe(live);
  });
});

it("of nothing but zeros is refused: a GPU that computes nothing would find every base unchanged", async () => {
  const silent = alteredDevice(device, { program: readsZeros });
  const model = await loadModel(fixtureFolder("llama"), device);
  await expect(fingerprintBase(silent, model)).rejects.toMatchObject({ code: "device-lost" });
  await expect(fingerprintBase(device, model)).resolves.toMatchObject({ bytes: expect.any(Number) });
});
