/** The self-test passes here, bites at every fault it guards against, and leaves the device as it found it. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { root } from "../../src/cli/launch/places.mjs";
import { LorikeetError } from "../../src/core/errors.ts";
import { layFlat } from "../../src/data/batches.ts";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import type { Device } from "../../src/gpu/device.ts";
import { DryDevice } from "../../src/gpu/dry-run.ts";
import { type Kernel, variantKey } from "../../src/gpu/kernel.ts";
import { type Command, Program, writes } from "../../src/gpu/program.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { attachLora } from "../../src/lora/attach.ts";
import { placeWeights } from "../../src/models/place.ts";
import { buildModel } from "../../src/models/registry.ts";
import { kernels } from "../../src/ops/index.ts";
import { Adamw } from "../../src/optim/adamw.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { SELF_TEST_CONFIG } from "../../src/train/self-test/sizes.ts";
import { runSelfTest, selfTestCases, selfTestError } from "../../src/train/self-test.ts";
import { recordMicroBatch } from "../../src/train/step.ts";
import { openAltered } from "../gpu/altered-gpu.ts";
import { testDevice } from "../support/device.ts";
import { example } from "./support.ts";

const ALL = selfTestCases.map(({ name }) => name);
const STEP = "a training step";

let device: WebGpuDevice;
beforeAll(async () => {
  device = await testDevice();
});

/** Names of the cases that fail. */
const failing = async (on: Device): Promise<string[]> =>
  (await runSelfTest(on)).filter(({ passed }) => !passed).map(({ name }) => name);

/** The same device, running each program after `edit`. */
function edited(edit: (command: Command, before: readonly Command[]) => readonly Command[]): Device {
  const run = (program: Program): Promise<void> => {
    const other = new Program();
    for (const [i, command] of program.commands.entries()) {
      other.commands.push(...edit(command, program.commands.slice(0, i)));
    }
    return device.run(other);
  };
  return Object.create(device, { run: { value: run } });
}

describe("the self-test", () => {
  it("passes, as plain data, and gives back every byte", async () => {
    const before = { ...device.memory };
    const seen: string[] = [];
    const results = await runSelfTest(device, ({ name }) => seen.push(name));
    expect(results.filter(({ passed }) => !passed)).toEqual([]);
    expect(seen).toEqual(ALL);
    expect(new Set(ALL).size).toBe(ALL.length);
    expect(structuredClone(results)).toEqual(results);
    expect(device.memory.live).toBe(before.live);
    expect(selfTestError(results)).toBeNull();
    // Far within what is allowed, and never zero where numbers were rounded: something was compared.
    for (const { name, error, tolerance } of results) {
      if (tolerance === 0) continue;
      expect([name, error > 0, error < tolerance / 20]).toEqual([name, true, true]);
    }
  });

  it("fails every case on a device that returns zeros", async () => {
    const dry = new DryDevice();
    const results = await runSelfTest(dry);
    expect(results.filter(({ passed }) => passed)).toEqual([]);
    expect(dry.memory.live).toBe(0);
    const error = selfTestError(results);
    expect(error).toBeInstanceOf(LorikeetError);
    expect(error).toMatchObject({ kind: "device", code: "self-test-failed" });
    expect(error!.message).toContain("rmsnorm: y: relative error 1.000");
  });

  it("fails every case on a device whose results are wrong by a thousandth, or are not numbers", async () => {
    for (const wrong of [(x: number) => x * 1.001, () => Number.NaN]) {
      const results = edited((command) => {
        if (command.kind !== "read") return [command];
        const deliver = (bytes: Uint8Array) => {
          const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4).map(wrong);
          command.settle.deliver(new Uint8Array(values.buffer));
        };
        return [{ ...command, settle: { ...command.settle, deliver } }];
      });
      expect(await failing(results)).toEqual(ALL);
    }
  });
});

const [FORWARD, INPUT, ADAPTER] = ALL.slice(0, 3) as [string, string, string];
const NORMS = ["rmsnorm", "large grids", STEP];
const GLU = ["glu and sum", "large grids", STEP];
const ATTENTION = ["attention", STEP];
const ROWS = ["embedding and rows", "large grids", STEP];
const LOSS = ["cross-entropy", STEP];

/** What notices when a kernel's results never arrive. */
const WITHOUT: Readonly<Record<string, readonly string[]>> = {
  "adamw.partial_norm": ["optimizer"],
  "adamw.total_norm": ["optimizer", STEP],
  "adamw.update": ["optimizer", STEP],
  "add.forward": ["order of writes, copies and clears", "glu and sum", "large grids"],
  "attention.forward": ATTENTION,
  "attention-few.forward": ["the next token"],
  "attention.dq": ATTENTION,
  "attention.dkv": ATTENTION,
  "cross-entropy.reduce": LOSS,
  "cross-entropy.gradient": LOSS,
  "dora.norm": ["dora"],
  "dora.forward": ["dora"],
  "dora.backward": ["dora"],
  "dora.gather": ["dora"],
  "embedding.gather": ROWS,
  "glu.forward": GLU,
  "glu.backward": GLU,
  "matmul.nt": [FORWARD, ...LOSS],
  "matmul.nt_few": ["the next token"],
  "matmul.nn": [INPUT, ...LOSS],
  "matmul.tn": [ADAPTER, STEP],
  "rmsnorm.forward": NORMS,
  "rmsnorm.backward": NORMS,
  "rope.rotate": ["rope", "large grids", STEP],
  "rows.gather": ROWS,
  "rows.scatter": ROWS,
};
/**
 * Not part of training as the demo does it: regularisation, the benchmark of `lorikeet bench`, and the checksum of the
 * base, which refuses by itself to be all zeros.
 */
const NOT_TESTED = ["checksum.partial", "checksum.total", "dropout.forward", "peak.multiply_add"];

describe("a kernel that does nothing", () => {
  const nameOf = ({ stem, entry }: Kernel) => `${stem}.${entry}`;

  it("is tried for every kernel of training", () => {
    expect([...Object.keys(WITHOUT), ...NOT_TESTED].sort()).toEqual(kernels.map(nameOf).sort());
  });

  it.each(Object.entries(WITHOUT))("%s fails %j and nothing else", async (name, expected) => {
    const idle = edited((command, before) => {
      if (command.kind !== "dispatch" || nameOf(command.kernel) !== name) return [command];
      // Not a dispatch of no workgroups, of which Dawn warns. A fresh output would hold whatever its buffer held before: zeros are the same every time.
      const written = new Set(before.flatMap(writes).map(({ storage }) => storage));
      const fresh = command.outputs.filter(({ storage }) => !storage.resident && !written.has(storage));
      return fresh.map((target) => ({ kind: "clear", target }) as const);
    });
    expect(await failing(idle)).toEqual(ALL.filter((one) => expected.includes(one)));
  });
});

/** Faults as browsers have had them, put into the shader text on its way to the compiler. */
const FAULTS: readonly [what: string, shader: RegExp, search: string, replacement: string, cases: readonly string[]][] =
  [
    [
      "a product off by a thousandth",
      /^matmul\.nn.*bf16/,
      "add_scaled(sums, params.scale, extra)",
      "add_scaled(sums, 1.001 * params.scale, extra)",
      [INPUT, STEP],
    ],
    ["half floats swapped", /^matmul\.nt.*f16/, "unpack2x16float(word.x)", "unpack2x16float(word.x).yx", [FORWARD]],
    ["a grid's second dimension ignored", /^rmsnorm/, "group.x + group.y * groups.x", "group.x", ["large grids"]],
    ["a check for NaN optimised away", /^adamw/, "0x7f800000u", "0x7fffffffu", ["optimizer"]],
    ["a barrier's writes lost", /^rmsnorm/, "stride > 0u", "stride > 1u", NORMS],
    ["a soft cap's tanh wrong near zero", /tanh$/, "x * series", "x", ["the next token", "attention", "cross-entropy"]],
    ["gelu's cubic term lost", /^glu/, "const CUBIC = 0.044715", "const CUBIC = 0.0", ["glu and sum", "large grids"]],
    ["an entry point that is gone", /^rope/, "fn rotate(", "fn turn(", ["rope", "large grids", STEP]],
  ];

describe("a fault of the compiler", () => {
  it.each(FAULTS)("%s", async (_what, shader, search, replacement, expected) => {
    let hits = 0;
    const faulty = await openAltered((real) => ({
      createShaderModule: ({ label, code }: GPUShaderModuleDescriptor) => {
        if (!shader.test(label ?? "") || !code.includes(search)) return real.createShaderModule({ code });
        hits += 1;
        return real.createShaderModule({ code: code.replaceAll(search, replacement) });
      },
    }));
    expect(await failing(faulty)).toEqual(ALL.filter((one) => expected.includes(one)));
    expect(hits).toBeGreaterThan(0);
    expect(faulty.memory.live).toBe(0);
    faulty.destroy();
  });

  it("is told in the compiler's words", async () => {
    const faulty = await openAltered((real) => ({
      createShaderModule: ({ code }: GPUShaderModuleDescriptor) => real.createShaderModule({ code: `${code} oops` }),
    }));
    const results = await runSelfTest(faulty, () => {}, selfTestCases.slice(3, 4));
    expect(results.map(({ passed }) => passed)).toEqual([false]);
    expect(results[0]!.evidence).toMatch(/add\.forward.* does not compile:\n {2}error at \d+/);
    expect(results[0]!.error).toBeNaN();
    faulty.destroy();
  });
});

it("ends with a lost device, every case failed with the reason", async () => {
  const lost = await openAltered(() => ({}));
  const results = runSelfTest(lost, ({ name }) => {
    if (name === ALL[2]) lost.gpu.destroy();
  });
  const failed = (await results).filter(({ passed }) => !passed);
  expect(failed.map(({ name }) => name)).toEqual(ALL.slice(3));
  for (const { evidence } of failed) expect(evidence).toContain("the GPU device was lost");
});

describe("the pipelines of the self-test", () => {
  /** Pipelines a device was asked for. */
  function counting(): { dry: Device; keys: Set<string> } {
    const dry = new DryDevice();
    const keys = new Set<string>();
    const run = (program: Program): Promise<void> => {
      for (const command of program.commands) {
        if (command.kind === "dispatch") keys.add(variantKey(command.kernel, command.variant));
      }
      return DryDevice.prototype.run.call(dry, program);
    };
    return { dry: Object.assign(dry, { run }), keys };
  }

  it("are those of the demo's training step, three of its answers, a sum, two more for f16, and DoRA's", async () => {
    const tested = counting();
    await runSelfTest(tested.dry);

    const file = path.join(root, "public", "demo", "config.json");
    const config = parseModelConfig(JSON.parse(readFileSync(file, "utf8")), "demo");
    const demo = counting();
    const model = buildModel(config, "demo");
    placeWeights(model.tree, demo.dry, () => "bf16");
    const lora = await attachLora(model.tree, demo.dry, { ...resolveConfig({}, "demo"), trainable: true });
    const batch = layFlat([example(new Uint32Array(40))]);
    model.rope.ensure(demo.dry, 40);
    const program = new Program();
    void program.read(recordMicroBatch(program, model, batch, { updateTokens: 39, recomputed: 0 }));
    void new Adamw(demo.dry, lora.parameters, lora.gradients!).record(program, resolveConfig({}, "demo"));
    await demo.dry.run(program);

    expect([...demo.keys].filter((key) => !tested.keys.has(key))).toEqual([]);
    const more = [...tested.keys].filter((key) => !demo.keys.has(key));
    expect(more.filter((key) => key.includes("weight-f16"))).toHaveLength(2);
    expect(more.filter((key) => key.includes("few"))).toHaveLength(3);
    expect(more.filter((key) => key.startsWith("add."))).toHaveLength(1);
    expect(more.filter((key) => key.startsWith("dora."))).toHaveLength(4);
    expect(more).toHaveLength(10);
    expect(demo.keys.size).toBeGreaterThan(20);
    expect({ ...config, ...pick(SELF_TEST_CONFIG) }).toEqual(config);
  });

  const pick = ({
    vocab_size,
    hidden_size,
    head_dim,
    num_attention_heads,
    num_key_value_heads,
  }: typeof SELF_TEST_CONFIG) => ({
    ...{ vocab_size, hidden_size, head_dim, num_attention_heads, num_key_value_heads },
  });
});
