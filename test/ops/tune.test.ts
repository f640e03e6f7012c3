/** Every form of a kernel gives what the plain one gives, and only a form that is faster is taken. */
import { afterEach, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { fetchFloats } from "../../src/gpu/device.ts";
import { canRun, type Form } from "../../src/gpu/kernel.ts";
import { openDevice } from "../../src/gpu/open.ts";
import { Program } from "../../src/gpu/program.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import {
  allColumns,
  asWeight,
  matmulNn,
  matmulNt,
  matmulTn,
  recordNn,
  recordNt,
  recordTn,
  sideBySide,
} from "../../src/ops/matmul.ts";
import type { MatmulForm } from "../../src/ops/matmul-forms.ts";
import { tune } from "../../src/ops/tune.ts";
import { altered } from "../gpu/altered-gpu.ts";
import { matmulNn as referenceNn, matmulNt as referenceNt, matmulTn as referenceTn } from "../reference/matmul.ts";
import { expectClose, TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { testGpu } from "../support/gpu.ts";
import { upload } from "../support/run-op.ts";
import { hostTensor } from "../support/values.ts";
import { rounded, usingWeight, WEIGHT_ELEMENTS } from "../support/weights.ts";

const device = await testDevice();

/** No second member. */
const NOWHERE = 2 ** 30;

/** Runs `record` with these forms alone; says how many dispatches there were in one of them. */
async function withForms(forms: readonly Form[], record: (program: Program) => Tensor): Promise<Float32Array> {
  const before = [...device.forms];
  device.forms.clear();
  for (const form of forms) device.forms.add(form);
  try {
    const program = new Program();
    return await fetchFloats(device, program, record(program));
  } finally {
    device.forms.clear();
    for (const form of before) device.forms.add(form);
  }
}

const KERNELS = { nt: matmulNt, nn: matmulNn, tn: matmulTn };
/** Those by matrix units are tested in matmul-forms.test.ts, on adapters that have them. */
const FORMS = Object.values(KERNELS)
  .flatMap(({ forms }) => forms as readonly MatmulForm[])
  .filter((form) => form.units === 0 && canRun(form, device));

/** c's rows and columns and the length of the sum: odd ones that suit the form, and that end within its blocks. */
function sizesFor({ layout, size }: MatmulForm, random: Random) {
  const few = () => 4 * (1 + random.below(12));
  const many = () => 128 + 4 * random.below(60);
  const tall = layout === "tn" ? 4 * (17 + random.below(20)) : 16 + random.below(80);
  if (size === "wide") return { height: tall, width: many(), depth: 4 * (1 + random.below(40)) };
  if (size === "tall") return { height: 256 + 4 * random.below(20), width: many(), depth: 4 * (1 + random.below(40)) };
  return { height: tall, width: few(), depth: many() };
}

describe.each(FORMS)("the form $name", (form) => {
  const { layout } = form;
  const random = new Random(11);
  const elements = layout === "tn" ? (["f32"] as const) : WEIGHT_ELEMENTS;
  const cases = Array.from({ length: 4 }, () => sizesFor(form, random)).flatMap((sizes) =>
    elements.map((element) => ({ ...sizes, element })),
  );

  it.each(cases)("$height × $width, sums of $depth, $element", async ({ height, width, depth, element }) => {
    const [rows, k] = layout === "tn" ? [depth - 1, height] : [height, depth];
    expect(form.suits({ n: width, rows, k, begin_1: NOWHERE })).toBe(true);
    const values = new Random(height * width + depth);
    const of = (...shape: number[]) => hostTensor(values, shape);
    const result = (record: (program: Program, c: Tensor) => void) =>
      withForms([form], (program) => {
        const c = program.tensor([height, width], "c");
        record(program, c);
        return c;
      });
    if (layout === "tn") {
      const [a, b] = [of(rows, height), of(rows, width)];
      const c = await result((program, into) =>
        recordTn(program, allColumns(upload(program, a, "a")), allColumns(upload(program, b, "b")), rows, into),
      );
      return expectClose(c, referenceTn(a.values, b.values, rows, width, height), TOLERANCE.reduction(rows), layout);
    }
    const a = of(height, depth);
    const w = rounded(layout === "nt" ? of(width, depth) : of(depth, width), element);
    const [record, reference] =
      layout === "nt" ? ([recordNt, referenceNt] as const) : ([recordNn, referenceNn] as const);
    await usingWeight(device, w, element, async (weight) => {
      const c = await result((program, into) =>
        record(program, allColumns(upload(program, a, "a")), height, weight, allColumns(into)),
      );
      expectClose(c, reference(a.values, w.values, height, width, depth), TOLERANCE.reduction(depth), layout);
    });
  });

  it("is left alone where it does not suit", () => {
    const sizes = [
      { n: 512, rows: 512, k: 512, begin_1: NOWHERE },
      { n: 512, rows: 128, k: 128, begin_1: NOWHERE },
      { n: 24, rows: 512, k: 512, begin_1: NOWHERE },
      { n: 24, rows: 4, k: 4, begin_1: NOWHERE },
    ];
    expect(sizes.map((one) => form.suits(one))).toEqual([
      form.size !== "narrow",
      form.size === "wide",
      form.size === "narrow",
      false,
    ]);
  });
});

const WIDE_NT = FORMS.filter(({ layout, size }) => layout === "nt" && size === "wide");
describe.each(WIDE_NT)("the form $name, over layers side by side", (form) => {
  it("with members whose columns meet in a workgroup, bias, and a low-rank term of each", async () => {
    // Every member ends on a multiple of 256 bytes: nothing lies between them that nobody writes.
    const [M, K, r, widths] = [64, 24, 8, [100, 36, 64]];
    const N = widths.reduce((sum, width) => sum + width, 0);
    const values = new Random(5);
    const hosts = [[M, K], [N, K], [N], [M, 3 * r], [N, r]].map((shape) => hostTensor(values, shape));
    const record = (program: Program): Tensor => {
      const [a, w, bias, h, factor] = hosts.map((host) => upload(program, host, "x")) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const ys = program.stacked(
        widths.map((width) => [M, width]),
        "y",
      );
      const lowRank = { h: allColumns(h), factor, rank: r, scale: 0.5 };
      recordNt(program, allColumns(a), M, asWeight(w), sideBySide(ys), { bias, lowRank });
      return { ...ys[0]!, offset: 0, shape: [ys[0]!.storage.bytes / 4] };
    };
    const [plain, formed] = [await withForms([], record), await withForms([form], record)];
    expect(plain.some((value) => value !== 0)).toBe(true);
    expectClose(formed, Float64Array.from(plain), TOLERANCE.reduction(K), "y");
  });
});

describe("tuning", () => {
  const WHERE = "this test";
  const names = () => [...device.forms].map(({ name }) => name);
  /** A file in memory, and what was written to it. */
  function keptIn(text: string | null) {
    const kept = { text, writes: 0 };
    const write = async (next: string) => void Object.assign(kept, { text: next, writes: kept.writes + 1 });
    return { kept, memory: { read: async () => kept.text, write } };
  }
  afterEach(() => device.forms.clear());

  /** By which every run takes as long as `next` says, in milliseconds. */
  function clockOf(next: () => number): () => number {
    let [time, calls] = [0, 0];
    return () => {
      if (calls++ % 2 === 1) time += next();
      return time;
    };
  }
  const steady = clockOf(() => 25);
  /** The device itself tells which form is on. */
  const favouringOn = ({ forms }: WebGpuDevice, favoured: string) =>
    clockOf(() => ([...forms].some(({ name }) => name === favoured) ? 25 : 40));
  const favouring = (favoured: string) => favouringOn(device, favoured);

  it("takes at most one form of each layout and size, and leaves nothing behind", async () => {
    const live = device.memory.live;
    await tune(device, { memory: keptIn("{ broken").memory, where: WHERE });
    expect(device.memory.live).toBe(live);
    const classes = ([...device.forms] as MatmulForm[]).map(({ layout, size }) => `${layout} ${size}`);
    expect(new Set(classes).size).toBe(classes.length);
  });

  it("takes the form that is clearly faster, and none where all are alike", async () => {
    const { memory } = keptIn(null);
    await tune(device, { memory, where: "a", clock: favouring("tn eight") });
    expect(names()).toEqual(["tn eight"]);
    await tune(device, { memory, where: "b", clock: steady });
    expect(names()).toEqual([]);
  });

  it("measures three times; what most of them chose holds from then on", async () => {
    const { kept, memory } = keptIn(null);
    for (const favoured of ["tn eight", "nn eight", "tn eight"]) {
      await tune(device, { memory, where: WHERE, clock: favouring(favoured) });
      expect(names()).toEqual([favoured]);
    }
    expect(Object.values(JSON.parse(kept.text!))).toEqual([[["tn eight"], ["nn eight"], ["tn eight"]]]);
    await tune(device, { memory, where: WHERE, clock: favouring("nt eight") });
    expect(names()).toEqual(["tn eight"]);
    expect(kept.writes).toBe(3);
  });

  it("takes nothing that was measured on another adapter or browser, or that no longer exists", async () => {
    const { kept, memory } = keptIn(null);
    await tune(device, { memory, where: WHERE, clock: steady });
    const [key] = Object.keys(JSON.parse(kept.text!));
    const vote = ["nn staged", "nt shared", "of an older version"];
    kept.text = JSON.stringify({ [key!]: [vote, vote, vote] });
    await tune(device, { memory, where: WHERE, clock: steady });
    expect(names()).toEqual(["nt shared", "nn staged"]);
    expect(kept.writes).toBe(1);
    await tune(device, { memory, where: "another browser", clock: steady });
    expect(names()).toEqual([]);
    expect(kept.writes).toBe(2);
    expect(Object.keys(JSON.parse(kept.text))).toHaveLength(2);
  });

  it("takes none that computes wrongly, be it remembered", async () => {
    const wrong = await testDevice();
    const run = wrong.run.bind(wrong);
    // A compiler that makes something else of one form.
    wrong.run = (program) => {
      for (const command of program.commands) {
        const staged = command.kind === "dispatch" && [...wrong.forms].some(({ name }) => name === "nn staged");
        if (staged) Object.assign(command, { params: { ...command.params, scale: 1.001 } });
      }
      return run(program);
    };
    const { kept, memory } = keptIn(null);
    await tune(wrong, { memory, where: WHERE, clock: steady });
    const [key] = Object.keys(JSON.parse(kept.text!));
    const vote = ["nn staged", "nt shared"];
    kept.text = JSON.stringify({ [key!]: [vote, vote, vote] });
    await tune(wrong, { memory, where: WHERE });
    expect([...wrong.forms].map(({ name }) => name)).toEqual(["nt shared"]);
  });

  it("takes none that does not compile, and fails for nothing but the plain one", async () => {
    const real = await openDevice(testGpu());
    const refused = { stem: "staged" };
    const createComputePipelineAsync = (descriptor: GPUComputePipelineDescriptor) =>
      descriptor.label!.includes(refused.stem)
        ? Promise.reject(new Error("refused"))
        : real.gpu.createComputePipelineAsync(descriptor);
    const picky = new WebGpuDevice(altered(real.gpu, { createComputePipelineAsync }), "picky");
    await tune(picky, { memory: null, where: WHERE, clock: favouringOn(picky, "nt staged") });
    expect([...picky.forms].map(({ name }) => name)).toEqual([]);
    refused.stem = "matmul";
    const none = new WebGpuDevice(altered(real.gpu, { createComputePipelineAsync }), "none");
    await expect(tune(none, { memory: null, where: WHERE })).rejects.toThrow("does not compile");
  });

  it("does as it is told", async () => {
    const { kept, memory } = keptIn(null);
    await tune(device, { wish: "tn eight, nt staged", memory, where: WHERE });
    expect(names()).toEqual(["tn eight", "nt staged"]);
    await tune(device, { wish: "plain", memory, where: WHERE });
    expect(names()).toEqual([]);
    expect(kept.writes).toBe(0);
    await expect(tune(device, { wish: "nt best", memory, where: WHERE })).rejects.toThrow('no form "nt best"');
  });
});
