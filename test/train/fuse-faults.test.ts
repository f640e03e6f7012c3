/** Every fault planted in a fused model is named by the check that is for it, and by no other. */
import { describe, expect, it } from "vitest";
import type { Adapter, AdapterFactor } from "../../src/lora/adapter.ts";
import { mergeRows } from "../../src/lora/merge.ts";
import { loadModel } from "../../src/models/load.ts";
import { fuseProbes } from "../../src/train/fuse/probes.ts";
import { allowedDifference, liveLogits, proveLogits } from "../../src/train/fuse/prove-logits.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixtureTensors } from "../support/golden.ts";
import { type Fault, fuseWith, inTensor, inTensors, SQUARE, turned } from "./fuse-support.ts";
import { fixtureAdapter } from "./support.ts";

const device = await testDevice();
const adapter = await fixtureAdapter("random");
const DOWN = "model.layers.1.mlp.down_proj.weight";
const NORM = "model.layers.1.input_layernorm.weight";
const factorOf = (name: string): AdapterFactor => adapter.factors.find(({ module }) => `${module}.weight` === name)!;

describe("planted faults", () => {
  it.each<[string, Fault, RegExp]>([
    [
      "a tensor left out of the file",
      inTensors((tensors) => tensors.filter(({ name }) => name !== NORM)),
      /^every tensor is there.*: model\.layers\.1\.input_layernorm\.weight is missing$/,
    ],
    [
      "a tensor too many",
      inTensors((tensors) => [...tensors, { name: "extra", dtype: "F32", shape: [1], bytes: new Uint8Array(4) }]),
      /^every tensor is there.*: extra is not the base's$/,
    ],
    [
      "a tensor under another shape",
      inTensors((tensors) => tensors.map((t) => (t.name === DOWN ? { ...t, shape: [160, 64] } : t))),
      /^every tensor is there.*down_proj\.weight: expected F32 \[64, 160\], found F32 \[160, 64\]$/,
    ],
    [
      "one bit of a norm",
      inTensor(NORM, (bytes) => bytes.map((byte, i) => (i === 5 ? byte ^ 1 : byte))),
      /^the other tensors are the base's.*: model\.layers\.1\.input_layernorm\.weight differs$/,
    ],
    [
      "one bit of a merged tensor",
      inTensor(DOWN, (bytes) => bytes.map((byte, i) => (i === bytes.length - 4 ? byte ^ 1 : byte))),
      /^adapted tensors are W.*: model\.layers\.1\.mlp\.down_proj\.weight differs$/,
    ],
    [
      "a tensor merged twice",
      inTensor(DOWN, (bytes) => mergeRows(bytes, "F32", factorOf(DOWN), adapter.scale, 0).bytes),
      /^adapted tensors are W.*: model\.layers\.1\.mlp\.down_proj\.weight differs$/,
    ],
  ])("%s is named, and nothing else is", async (_, fault, expected) => {
    const { failed } = await fuseWith(fault);
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatch(expected);
  });

  it("a merge that leaves out one tensor, and A and B the wrong way round on a square layer, are named", async () => {
    const source = await fixtureTensors("llama/model.safetensors");
    const base = new Uint8Array(source.get(SQUARE)!.values.buffer as ArrayBuffer);
    const dropped = await fuseWith(inTensor(SQUARE, () => base));
    expect(dropped.failed).toEqual([
      `adapted tensors are W + scale·B·A, rounded once: ${SQUARE} is the base's: the merge was left out`,
    ]);
    const wrong = turned(factorOf(SQUARE));
    const transposed = await fuseWith(inTensor(SQUARE, () => mergeRows(base, "F32", wrong, adapter.scale, 0).bytes));
    expect(transposed.failed).toEqual([`adapted tensors are W + scale·B·A, rounded once: ${SQUARE} differs`]);
  });

  it.each([
    ["in its last tensor", 10],
    ["by half", 250_000],
    ["in its header", 510_000],
  ])("a file cut short %s is told before anything else", async (_, missing) => {
    const { failed } = await fuseWith((path, bytes) =>
      path === "model.safetensors" ? bytes.slice(0, bytes.length - missing) : bytes,
    );
    expect(failed).toHaveLength(1);
    expect(failed[0]).toMatch(/^every tensor is there.*bytes missing/);
  });

  it("a lost shard, a lost index, a changed or lost config", async () => {
    const source = fixtureFolder("formats/sharded");
    const lose = (name: string) => fuseWith((path, bytes) => (path === name ? null : bytes), { source });
    expect((await lose("model-00003-of-00005.safetensors")).failed[0]).toMatch(/shard model-00003.*no such file/s);
    expect((await lose("model.safetensors.index.json")).failed[0]).toContain("expected model.safetensors or");
    expect((await lose("config.json")).failed).toEqual([
      "config, tokenizer and licence are the base's: config.json is missing",
    ]);
    const changed = await fuseWith((path, bytes) => (path === "config.json" ? bytes.slice(1) : bytes));
    expect(changed.failed).toEqual(["config, tokenizer and licence are the base's: config.json differs"]);
  });

  it("values too large for the type, by the tensor's name", async () => {
    const huge: Adapter = {
      ...adapter,
      factors: adapter.factors.map((factor) =>
        `${factor.module}.weight` === DOWN ? { ...factor, B: factor.B.map((value) => 1e7 * value) } : factor,
      ),
    };
    const { failed } = await fuseWith(undefined, { source: fixtureFolder("formats/f16"), adapter: huge });
    expect(failed).toEqual([`every number is finite: ${DOWN} has values that are not finite in F16`]);
    expect((await fuseWith(undefined, { source: fixtureFolder("formats/bf16"), adapter: huge })).failed).toEqual([]);
  });
});

describe("what the logits prove by themselves", () => {
  // The arithmetic of merge and proof is shared, so a fault in it would pass the comparison of weights.
  it.each<[string, (factor: AdapterFactor) => AdapterFactor]>([
    ["a square layer's change transposed", turned],
    ["a layer left out", (f) => ({ ...f, B: new Float32Array(f.B.length) })],
    ["a layer twice as strong", (f) => ({ ...f, B: f.B.map((value) => 2 * value) })],
  ])("%s", async (_, change) => {
    const model = await loadModel(fixtureFolder("llama"), device);
    const probes = await fuseProbes(fixtureFolder("llama"), model);
    const live = await liveLogits(device, model, adapter, probes);
    const wrong: Adapter = {
      ...adapter,
      factors: adapter.factors.map((f) => (`${f.module}.weight` === SQUARE ? change(f) : f)),
    };
    const { checks, target } = await fuseWith(undefined, { adapter: wrong });
    expect(checks.every(({ passed }) => passed)).toBe(true); // it is that adapter's model
    const fused = await loadModel(target.written, device);
    const { check } = await proveLogits(device, fused, live, probes, allowedDifference([]));
    expect(check.passed).toBe(false);
    const right = await loadModel((await fuseWith()).target.written, device);
    expect((await proveLogits(device, right, live, probes, allowedDifference([]))).check.passed).toBe(true);
  });
});
