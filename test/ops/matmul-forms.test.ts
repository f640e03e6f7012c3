/**
 * Products by matrix units give what the plain ones give. Where units multiply f16 alone (lavapipe of Mesa 26), the same
 * shader is run on parts of 16 bits: that proves all but their size. The other forms are tested in tune.test.ts.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { fetchFloats } from "../../src/gpu/device.ts";
import { canRun } from "../../src/gpu/kernel.ts";
import { MATRIX_UNITS } from "../../src/gpu/matrix-units.ts";
import { openDevice } from "../../src/gpu/open.ts";
import { Program } from "../../src/gpu/program.ts";
import type { Tensor } from "../../src/gpu/tensor.ts";
import { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import {
  allColumns,
  asWeight,
  type Columns,
  MATMULS,
  recordNn,
  recordNt,
  recordTn,
  sideBySide,
} from "../../src/ops/matmul.ts";
import type { MatmulForm } from "../../src/ops/matmul-forms.ts";
import { altered } from "../gpu/altered-gpu.ts";
import { relativeL2 } from "../support/compare.ts";
import { requireAdapter, testGpu } from "../support/gpu.ts";
import { upload } from "../support/run-op.ts";
import { hostTensor } from "../support/values.ts";
import { rounded, usingWeight, WEIGHT_ELEMENTS } from "../support/weights.ts";

const missing = (await requireAdapter()).features.has(MATRIX_UNITS) ? "" : ": this adapter has no matrix units";
const UNITS = MATMULS.flatMap((kernel) => kernel.forms as readonly MatmulForm[]).filter(({ units }) => units > 0);

/** Parts of 16 bits where there are none of 32. */
function withHalves(gpu: GPUDevice): GPUDevice {
  const createShaderModule = ({ code, ...rest }: GPUShaderModuleDescriptor) => {
    const half = code.includes("alias Part = f32;") ? `enable f16;\n${code.replace("Part = f32", "Part = f16")}` : code;
    return gpu.createShaderModule({ ...rest, code: half });
  };
  return altered(gpu, { createShaderModule });
}

describe.skipIf(missing !== "")(`products by matrix units${missing}`, () => {
  let device: WebGpuDevice;
  let tolerance = 1e-6;
  const random = new Random(7);

  beforeAll(async () => {
    device = await openDevice(testGpu());
    if (device.units > 0) return;
    tolerance = 1e-3;
    const { gpu, name } = device;
    device = Object.assign(new WebGpuDevice(withHalves(gpu), name), { units: gpu.adapterInfo.subgroupMinSize! });
  });

  const upTo = (most: number) => 1 + random.below(most);
  const of = (...shape: number[]) => hostTensor(random, shape);

  /** c in plain and in units' form, from the same start. */
  async function expectSame(record: (program: Program, up: typeof upload, start: Tensor) => Tensor, size: number) {
    const start = of(size);
    const result = () => {
      const program = new Program();
      return fetchFloats(device, program, record(program, upload, upload(program, start, "start")));
    };
    const plain = await result();
    for (const form of UNITS) if (canRun(form, device)) device.forms.add(form);
    const ours = await result();
    device.forms.clear();
    expect(relativeL2(ours, plain)).toBeLessThan(tolerance);
    // In another order, or of other parts: the form did run.
    expect(ours).not.toEqual(plain);
  }

  const cases = Array.from({ length: 6 }, () => WEIGHT_ELEMENTS.map((element) => ({ element }))).flat();

  it.each(cases)("nt with bias, low-rank term and residual, $element", async ({ element }) => {
    const [M, N, K, r] = [16 + upTo(80), 128 + 4 * upTo(40), 4 * upTo(30), 4 * upTo(5)];
    const w = rounded(of(N, K), element);
    await usingWeight(device, w, element, async (weight) => {
      const [a, bias, h, factor] = [of(M, K), of(N), of(M, r), of(N, r)];
      await expectSame((program, up, start) => {
        const residual = { ...start, shape: [M, N] };
        const c = program.tensor([M, N], "c");
        const lowRank = { h: allColumns(up(program, h, "h")), factor: up(program, factor, "f"), rank: r, scale: 0.7 };
        recordNt(program, allColumns(up(program, a, "a")), M, weight, allColumns(c), {
          ...{ bias: up(program, bias, "bias"), lowRank, residual },
        });
        return c;
      }, M * N);
    });
  });

  it.each(cases)("nn, once more onto c, with a low-rank term, $element", async ({ element }) => {
    const [M, N, K, r] = [16 + upTo(80), 128 + 4 * upTo(40), 4 * upTo(30), 4 * upTo(5)];
    const w = rounded(of(K, N), element);
    await usingWeight(device, w, element, async (weight) => {
      const [a, h, factor] = [of(M, K), of(M, r), of(r, N)];
      await expectSame((program, up, start) => {
        const c = { ...start, shape: [M, N] };
        const lowRank = { h: allColumns(up(program, h, "h")), factor: up(program, factor, "f"), rank: r, scale: 0.7 };
        const options = { lowRank, accumulate: true };
        recordNn(program, allColumns(up(program, a, "a")), M, weight, allColumns(c), options);
        return c;
      }, M * N);
    });
  });

  it.each([1, 2, 3, 4, 5, 6])("tn, scaled, onto c (%i)", async () => {
    const [M, N, K] = [1 + upTo(90), 128 + 4 * upTo(40), 68 + 4 * upTo(30)];
    const [a, b] = [of(M, K), of(M, N)];
    await expectSame((program, up, start) => {
      const c = { ...start, shape: [K, N] };
      const [left, right] = [allColumns(up(program, a, "a")), allColumns(up(program, b, "b"))];
      recordTn(program, left, right, M, c, { scale: 0.3, accumulate: true });
      return c;
    }, K * N);
  });

  it("layers side by side, forward and backward", async () => {
    const [M, K, r, widths] = [64, 24, 8, [100, 36, 64]];
    const N = widths.reduce((sum, width) => sum + width, 0);
    const [a, w, h, factor] = [of(M, K), of(N, K), of(M, 3 * r), of(N, r)];
    const members = (program: Program, name: string) =>
      program.stacked(
        widths.map((width) => [M, width]),
        name,
      );
    const whole = (ys: readonly Tensor[]) => ({ ...ys[0]!, offset: 0, shape: [ys[0]!.storage.bytes / 4] });
    await expectSame((program, up) => {
      const ys = members(program, "y");
      const lowRank = { h: allColumns(up(program, h, "h")), factor: up(program, factor, "f"), rank: r, scale: 0.5 };
      recordNt(program, allColumns(up(program, a, "a")), M, asWeight(up(program, w, "w")), sideBySide(ys), { lowRank });
      return whole(ys);
    }, 4);
    const wide = of(N, 132);
    for (const apart of [false, true])
      await expectSame((program, up) => {
        const ys = members(program, "dy");
        recordNt(program, allColumns(up(program, a, "a")), M, asWeight(up(program, w, "w")), sideBySide(ys));
        const c = program.tensor([M, apart ? 3 * 132 : 132], "dx");
        const into: Columns = allColumns(c);
        recordNn(program, sideBySide(ys), M, asWeight(up(program, wide, "wide")), into, { apart });
        return c;
      }, 4);
  });
});
