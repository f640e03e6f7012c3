import { describe, expect, it } from "vitest";
import type { Kernel } from "../../src/gpu/kernel.ts";
import { assemble, shaderStems } from "../../src/gpu/shaders.ts";
import { kernels } from "../../src/ops/index.ts";
import { askNaga, compileWithNaga, denoProgram, type ShaderModule } from "../support/naga.ts";

const GOOD = `
@group(0) @binding(0) var<storage, read> x: array<vec4f>; // [N]
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>; // [N]
struct Params { n: u32, scale: f32 }
@group(1) @binding(0) var<uniform> params: Params;
var<workgroup> tile: array<vec4f, 64>;

@compute @workgroup_size(64)
fn double(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) lane: u32) {
  tile[lane] = x[min(id.x, params.n - 1u)] * params.scale;
  workgroupBarrier();
  if (id.x < params.n) { y[id.x] = tile[lane] + tile[63u - lane]; }
}
`;

/** Literals by name, twice: every branch that a constant opens or closes is compiled. */
const CONSTANTS: readonly Readonly<Record<string, number>>[] = [
  {
    C: 64,
    H: 6,
    KV: 2,
    D: 64,
    ROTATED: 48,
    K: 64,
    N: 64,
    RANK: 8,
    BIAS: 1,
    ACCUMULATE: 1,
    WX: 8,
    ROWS: 4,
    SHARE: 1,
    COLS: 0,
    BITS: 0,
    GROUP: 0,
    TILE: 256,
    STRIDE: 256,
  },
  {
    C: 4,
    H: 1,
    KV: 1,
    D: 32,
    ROTATED: 32,
    K: 4,
    N: 12,
    RANK: 0,
    BIAS: 0,
    ACCUMULATE: 0,
    WX: 64,
    ROWS: 4,
    SHARE: 1,
    COLS: 0,
    BITS: 0,
    GROUP: 0,
    TILE: 4,
    STRIDE: 4,
  },
];
const WEIGHTS = ["weight-f32", "weight-f16", "weight-bf16"];

/** A shader with each of its constants' values and each storage format it may be put together with. */
function variants(kernel: Kernel): ShaderModule[] {
  const include = kernel.include ?? [];
  const formats = include.some((piece) => WEIGHTS.includes(piece)) ? WEIGHTS : [""];
  const pieces = (format: string) => include.map((piece) => (WEIGHTS.includes(piece) ? format : piece));
  return formats.flatMap((format) =>
    CONSTANTS.map((constants, i) => ({
      label: `${kernel.stem} ${format} ${i}`,
      code: assemble(kernel, { constants, include: pieces(format) }),
    })),
  );
}

/** Kernels of one shader share its text, constants and pieces. */
const oneOfEachShader = (): Kernel[] => [...new Map(kernels.map((kernel) => [kernel.stem, kernel])).values()];

describe.skipIf(!denoProgram())("naga, the second WGSL compiler", () => {
  it("compiles every shader of the project, with every entry point", async () => {
    expect(
      oneOfEachShader()
        .map(({ stem }) => stem)
        .sort(),
    ).toEqual(shaderStems());
    const results = await compileWithNaga(oneOfEachShader().flatMap(variants));
    expect(results.filter(({ error }) => error !== null)).toEqual([]);
  });

  it("accepts a shader within the standard, and runs on the adapter that the launcher chose", async () => {
    const { adapter, results } = await askNaga([{ label: "good", code: GOOD }]);
    expect(results).toEqual([{ label: "good", error: null }]);
    expect(adapter).not.toBe("");
  });

  it("refuses broken shaders one by one, each with its reason", async () => {
    const results = await compileWithNaga([
      { label: "type", code: GOOD.replace("params.scale", "params.n") },
      { label: "name", code: GOOD.replace("params.n - 1u", "params.rows - 1u") },
      { label: "good", code: GOOD },
      { label: "syntax", code: `${GOOD}\nfn {` },
    ]);
    expect(results.map(({ label, error }) => [label, error === null])).toEqual([
      ["type", false],
      ["name", false],
      ["good", true],
      ["syntax", false],
    ]);
    expect(results[1]?.error).toContain("rows");
  });

  it("refuses what only shows when a pipeline is made: a workgroup past the device's limit", async () => {
    const code = GOOD.replace("@workgroup_size(64)", "@workgroup_size(256, 64, 64)");
    const [result] = await compileWithNaga([{ label: "large", code }]);
    expect(result?.error).toMatch(/^double: /);
  });

  it("refuses what only Dawn accepts", async () => {
    const [result] = await compileWithNaga([
      { label: "dawn", code: `enable chromium_experimental_subgroup_matrix;\n${GOOD}` },
    ]);
    expect(result?.error).toContain("chromium_experimental_subgroup_matrix");
  });
});
