/** Each Kernel says the same as its shader: params by name, type and order; bindings by number, access and name. */
import { describe, expect, it } from "vitest";
import { grid1d, type Kernel, MAX_GRID, PARAMS_SLOT, writeParams } from "../../src/gpu/kernel.ts";
import { shaderStems, shaderText } from "../../src/gpu/shaders.ts";
import { kernels } from "../../src/ops/index.ts";
import { parseWgsl } from "../support/wgsl.ts";

const titled = kernels.map((kernel) => [`${kernel.stem}.${kernel.entry}`, kernel] as const);

/** What is wrong between a kernel and its shader's text. */
function disagreements(kernel: Kernel, text: string): string[] {
  const shader = parseWgsl(text);
  const problems: string[] = [];
  const declared = Object.entries(kernel.params);
  if (JSON.stringify(declared) !== JSON.stringify(shader.params)) {
    problems.push(`params ${JSON.stringify(declared)}, shader ${JSON.stringify(shader.params)}`);
  }
  const names = [...kernel.inputs, ...kernel.outputs];
  const used = shader.uses(kernel.entry).filter(({ group }) => group === 0);
  const numbers = used.map(({ binding }) => binding);
  if (new Set(numbers).size !== numbers.length) problems.push(`two variables share a binding: ${numbers}`);
  for (const { name, binding, access } of used) {
    const expected = binding < kernel.inputs.length ? "read" : "read_write";
    // The same buffer has other names in other entry points: `dq_out` is `dq`, `saved_rstd` is `rstd`.
    if (!names[binding] || !name.includes(names[binding]))
      problems.push(`binding ${binding}: ${names[binding]}, shader ${name}`);
    if (access !== expected) problems.push(`${name} is ${access}, expected ${expected}`);
  }
  for (const [i, output] of kernel.outputs.entries()) {
    if (!numbers.includes(kernel.inputs.length + i)) problems.push(`output ${output} is never used`);
  }
  return problems;
}

describe("kernels and shaders", () => {
  it.each(titled)("%s agrees with its shader", (_title, kernel) => {
    // Pieces may use the shader's bindings.
    const pieces = (kernel.include ?? []).map((piece) => shaderText(`lib/${piece}`));
    expect(disagreements(kernel, [...pieces, shaderText(kernel.stem)].join("\n"))).toEqual([]);
  });

  it("would notice a swapped param, another type, a renumbered binding and another access", () => {
    const kernel = kernels.find(({ stem, entry }) => stem === "rmsnorm" && entry === "forward")!;
    const text = shaderText("rmsnorm");
    const faults = [
      text.replace("rows: u32,\n  eps: f32,", "eps: f32,\n  rows: u32,"),
      text.replace("rows: u32", "rows: f32"),
      text.replace("@binding(1) var<storage, read> weight", "@binding(4) var<storage, read> weight"),
      text.replace("@binding(1) var<storage, read> weight", "@binding(0) var<storage, read> weight"),
      text.replace("var<storage, read_write> y", "var<storage, read> y"),
      text.replace("rstd[row] = scale;", ""),
    ];
    for (const fault of faults) {
      expect(fault).not.toBe(text);
      expect(disagreements(kernel, fault)).not.toEqual([]);
    }
  });

  it("are complete: every entry point is in the table once", () => {
    const entries = shaderStems().flatMap((stem) =>
      parseWgsl(shaderText(stem)).entries.map((entry) => `${stem}.${entry}`),
    );
    expect(titled.map(([title]) => title).sort()).toEqual(entries.sort());
  });

  it.each(titled)("%s binds at most eight buffers, and its params fit a slot", (_title, kernel) => {
    expect(kernel.inputs.length + kernel.outputs.length).toBeLessThanOrEqual(8);
    expect(Object.keys(kernel.params).length * 4).toBeLessThanOrEqual(PARAMS_SLOT);
  });
});

describe("params", () => {
  it("are written in order, little-endian, by their type", () => {
    const kernel = kernels.find(({ stem }) => stem === "rmsnorm")!;
    const view = new DataView(new ArrayBuffer(24));
    writeParams(kernel, { add: 0, eps: 0.5, rows: 0xfffffffe }, view, 8);
    expect([view.getUint32(8, true), view.getFloat32(12, true)]).toEqual([0xfffffffe, 0.5]);
    expect([view.getUint32(0), view.getUint32(16)]).toEqual([0, 0]);
    expect(() => writeParams(kernel, { rows: 1 }, view, 0)).toThrow('rmsnorm.forward: param "eps" was not given');
  });
});

describe("grid1d", () => {
  it.each([0, 1, 65_535, 65_536, 131_070, 131_071, 10_000_019])("covers %i workgroups within the limits", (count) => {
    const [x, y, z] = grid1d(count);
    expect(x * y * z).toBeGreaterThanOrEqual(count);
    expect(Math.max(x, y, z)).toBeLessThanOrEqual(MAX_GRID);
    expect(x * y * z - count).toBeLessThanOrEqual(Math.max(1, y));
  });
});
