/** Every kernel in every variant compiles, in both compilers: Tint (Chrome's, through Dawn) and naga (Firefox's). */
import { beforeAll, describe, expect, it } from "vitest";

import { BITS } from "../../src/core/affine.ts";
import { canRun, inForm, type Kernel, type Variant } from "../../src/gpu/kernel.ts";
import { Pipelines } from "../../src/gpu/pipelines.ts";
import { assemble, shaderStems, shaderText } from "../../src/gpu/shaders.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { type QuantizedElement, quantizedElement, weightPieces } from "../../src/gpu/weight-element.ts";
import { kernels } from "../../src/ops/index.ts";
import { testDevice } from "../support/device.ts";
import { compileWithNaga, denoProgram } from "../support/naga.ts";
import { parseWgsl, withoutComments } from "../support/wgsl.ts";

/** Literals to try, by shader; a shader without any has one variant. */
const CONSTANTS: Record<string, readonly Record<string, number>[]> = {
  // SmolLM2-135M, Llama-3.2-1B, Qwen3, grouped and not.
  "attention-few": [
    { H: 9, KV: 3, D: 64 },
    { H: 1, KV: 1, D: 256 },
  ],
  attention: [
    { H: 9, KV: 3, D: 64 },
    { H: 2, KV: 2, D: 8 },
    { H: 16, KV: 8, D: 128 },
  ],
  "cross-entropy": [
    { TILE: 1, STRIDE: 4 },
    { TILE: 49_152, STRIDE: 49_152 },
  ],
  dora: [{ TILE: 64, BITS: 0, GROUP: 0 }],
  embedding: [576, 4].map((C) => ({ C, BITS: 0, GROUP: 0 })),
  matmul: [2, 8, 32].map((WX) => ({ WX, ROWS: 4, SHARE: 1, COLS: 0, BITS: 0, GROUP: 0 })),
  peak: [{ GROUPS: 4 }],
  rmsnorm: [
    { C: 576, ROWS: 1 },
    { C: 128, ROWS: 4 },
    { C: 4, ROWS: 128 },
  ],
  rope: [
    { H: 9, KV: 3, D: 64, ROTATED: 64 },
    { H: 24, KV: 8, D: 128, ROTATED: 96 },
    { H: 1, KV: 1, D: 2, ROTATED: 2 },
  ],
  rows: [{ C: 576 }],
};

const isWeight = (piece: string): boolean => piece.startsWith("weight-");

/** Kernel, variant and a title for each; a kernel that includes one weight loader is tried with all. */
const cases = kernels.flatMap((kernel) => {
  const includes = kernel.include ?? [];
  const loaders = includes.some(isWeight) ? ["weight-f32", "weight-f16", "weight-bf16"] : [null];
  return loaders.flatMap((loader) =>
    (CONSTANTS[kernel.stem] ?? [{}]).map((constants) => {
      const include = [...includes.filter((piece) => !isWeight(piece)), ...(loader ? [loader] : [])];
      const variant: Variant = { constants, include };
      return { title: `${kernel.stem}.${kernel.entry} ${JSON.stringify(constants)} ${loader ?? ""}`, kernel, variant };
    }),
  );
});

/** Kernels that read weights, with each kind of affine codes. */
const QUANTIZED: readonly QuantizedElement[] = BITS.flatMap((bits) =>
  (["f32", "f16", "bf16"] as const).map((scales) => quantizedElement({ bits, group: 32, scales })),
);
const quantized = kernels
  .filter(({ include = [] }) => include.some(isWeight))
  .flatMap((kernel) =>
    QUANTIZED.map((element) => {
      const { include, constants } = weightPieces(element);
      const pieces = [...kernel.include!.filter((piece) => !isWeight(piece)), ...include];
      const variant = { constants: { ...CONSTANTS[kernel.stem]![0]!, ...constants }, include: pieces };
      return { title: `${kernel.stem}.${kernel.entry} with ${element}`, kernel, variant };
    }),
  );

/** Each in every other form of its kernel; those by matrix units have a test of their own, on adapters that have them. */
const formed = cases.flatMap((one) =>
  (one.kernel.forms ?? []).filter(({ units }) => units === 0).map((form) => ({ ...one, form })),
);

describe("Tint", () => {
  let device: WebGpuDevice;
  beforeAll(async () => {
    device = await testDevice();
  });

  it.each([...cases, ...quantized])("compiles $title", async ({ kernel, variant }) => {
    await new Pipelines(device.gpu).prepare(kernel, variant);
    await device.idle();
  });

  it.for(formed)("compiles $title in the form $form.name", async ({ kernel, variant, form }, { skip }) => {
    if (!canRun(form, device)) return skip("this adapter cannot run it");
    const formed = inForm(kernel, variant, form);
    await new Pipelines(device.gpu).prepare(formed.kernel, formed.variant);
    await device.idle();
  });

  it("refuses a literal the shader cannot live with", async () => {
    const broken = { ...cases[0]!.kernel, stem: "attention", entry: "forward", constants: ["H", "KV", "D"] };
    const compiling = new Pipelines(device.gpu).prepare(broken as Kernel, {
      constants: { H: 2, KV: 0, D: 8 },
      include: ["tanh"],
    });
    await expect(compiling).rejects.toThrow(/attention\.forward\(H=2,KV=0,D=8\)\+tanh does not compile:[\s\S]*zero/);
  });
});

describe.skipIf(!denoProgram())("naga", () => {
  it("compiles every shader in every variant", async () => {
    // Entry points of one shader share its text: compiling it once makes a pipeline of each.
    const everywhere = formed.filter(({ form }) => form.subgroup === null);
    const all = [
      ...cases,
      ...quantized,
      ...everywhere.map((one) => ({ ...one, ...inForm(one.kernel, one.variant, one.form) })),
    ];
    const modules = new Map(all.map(({ kernel, variant }) => [assemble(kernel, variant), kernel.stem]));
    const results = await compileWithNaga([...modules].map(([code, label]) => ({ label, code })));
    expect(results.filter(({ error }) => error !== null)).toEqual([]);
    expect(new Set(results.map(({ label }) => label))).toEqual(new Set(kernels.map(({ stem }) => stem)));
  });
});

describe("shader text", () => {
  /** What some browser lacks or gets wrong, and what would hide the text from editors. */
  const FORBIDDEN = /\benable\b|\brequires\b|subgroup|\boverride\b|\$\{|\bf16\b|texture|sampler|atomic/;
  const rows = ["rows-direct", "rows-eight", "rows-staged"];
  // Not hand-round and what calls it: their forms are for devices with subgroups alone.
  const others = [
    "reduce",
    "sums-4",
    "sums-8",
    "sums-16",
    "sums-32",
    "sum-own",
    "sum-shared",
    "tanh",
    "weight-f32",
    "weight-f16",
    "weight-bf16",
    ...["weight-affine", "scales-f32", "scales-f16", "scales-bf16"],
  ];
  const pieces = [...rows, ...others].map((piece) => `lib/${piece}`);
  const files = [...shaderStems(), ...pieces];

  it.each(files)("%s keeps to what every browser has", (name) => {
    expect(withoutComments(shaderText(name))).not.toMatch(FORBIDDEN);
  });

  it.each(["enable f16;", "override X = 1;", `const x = $${""}{C}u;`, "subgroupAdd(x)", "var y: f16;"])(
    "would notice %s",
    (line) => {
      expect(line).toMatch(FORBIDDEN);
    },
  );

  it.each(shaderStems())("%s declares only bindings that some entry point uses", (name) => {
    const shader = parseWgsl(shaderText(name));
    const used = new Set(shader.entries.flatMap((entry) => shader.uses(entry)).map((binding) => binding.name));
    const pieces = new Set(kernels.filter((kernel) => kernel.stem === name).flatMap(({ include = [] }) => include));
    for (const piece of pieces) for (const word of shaderText(`lib/${piece}`).match(/\w+/g)!) used.add(word);
    expect(shader.bindings.filter((binding) => !used.has(binding.name)).map((binding) => binding.name)).toEqual([]);
  });
});
