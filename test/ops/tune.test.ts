/** Every form of a kernel gives what the plain one gives, and only a form that is faster is taken. */
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { fetchFloats } from "../../src/gpu/device.ts";
import type { Form } from "../../src/gpu/kernel.ts";
import { Program } from "../../src/gpu/program.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { allColumns, asWeight, matmulNt, recordNn, recordNt, sideBySide } from "../../src/ops/matmul.ts";
import { tune } from "../../src/ops/tune.ts";
import { matmulNn, matmulNt as referenceNt } from "../reference/matmul.ts";
import { expectClose, TOLERANCE } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { upload } from "../support/run-op.ts";
import { hostTensor } from "../support/values.ts";
import { rounded, usingWeight, WEIGHT_ELEMENTS } from "../support/weights.ts";

let device: WebGpuDevice;
beforeAll(async () => {
  device = await testDevice();
});

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

describe.each(matmulNt.forms!)("the form $name", (form) => {
  const runs = () => form.subgroup <= device.subgroup;
  const random = new Random(11);
  const sizes = Array.from({ length: 4 }, () => ({
    M: 16 + random.below(60),
    N: 128 + 4 * random.below(80),
    K: 4 * (1 + random.below(30)),
  }));

  it.for(sizes.flatMap((size) => WEIGHT_ELEMENTS.map((element) => ({ ...size, element }))))(
    "$M × $N × $K, $element: forward and gradient of the input",
    async ({ M, N, K, element }, { skip }) => {
      if (!runs()) return skip("this adapter has no subgroups of that size");
      expect(form.suits({ n: N, rows: M })).toBe(true);
      const values = new Random(M * N + K);
      const [a, dy] = [hostTensor(values, [M, K]), hostTensor(values, [M, N])];
      const w = rounded(hostTensor(values, [N, K]), element);
      await usingWeight(device, w, element, async (weight) => {
        const y = await withForms([form], (program) => {
          const c = program.tensor([M, N], "c");
          recordNt(program, allColumns(upload(program, a, "a")), M, weight, allColumns(c));
          return c;
        });
        expectClose(y, referenceNt(a.values, w.values, M, N, K), TOLERANCE.reduction(K), "NT");
        const dx = await withForms([form], (program) => {
          const c = program.tensor([M, K], "c");
          recordNn(program, allColumns(upload(program, dy, "dy")), M, weight, allColumns(c));
          return c;
        });
        expectClose(dx, matmulNn(dy.values, w.values, M, K, N), TOLERANCE.reduction(N), "NN");
      });
    },
  );

  it("with members whose columns meet in a workgroup, bias, and a low-rank term of each", async ({ skip }) => {
    if (!runs()) return skip("this adapter has no subgroups of that size");
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

  it("is left alone where it does not suit", () => {
    expect(form.suits({ n: 24, rows: 512 })).toBe(false);
    expect(form.suits({ n: 512, rows: 4 })).toBe(false);
  });
});

describe("tuning", () => {
  it("takes a form that is faster, none that is slower, and leaves nothing behind", async () => {
    const live = device.memory.live;
    await tune(device);
    expect(device.memory.live).toBe(live);
    expect(device.forms.size).toBeLessThanOrEqual(1);
    if (device.subgroup < 8) expect(device.forms.size).toBe(0);
  });
});
