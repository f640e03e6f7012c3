/** Every kernel in every variant compiles, in both compilers: Tint (Chrome's, through Dawn) and naga (Firefox's). */
import { beforeAll, describe, expect, it } from "vitest";
import { inForm, type Kernel, type Variant } from "../../src/gpu/kernel.ts";
import { Pipelines } from "../../src/gpu/pipelines.ts";
import { assemble, shaderStems, shaderText } from "../../src/gpu/shaders.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { kernels } from "../../src/ops/index.ts";
import { testDevice } from "../support/device.ts";
import { compileWithNaga, denoProgram } from "../support/naga.ts";
import { parseWgsl, withoutComments } from "../support/wgsl.ts";

const product = { K: 64, N: 32, RANK: 0, BIAS: 0, ACCUMULATE: 0, WX: 8, ROWS: 4 };

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
  embedding: [{ C: 576 }, { C: 4 }],
  matmul: [
    product,
    { ...product, RANK: 8, BIAS: 1, ACCUMULATE: 1 },
    { ...product, K: 301, N: 4, WX: 1 },
    { ...product, N: 151_936, RANK: 4, WX: 64 },
  ],
  peak: [{ GROUPS: 4 }],
  rmsnorm: [{ C: 576 }, { C: 4 }],
  rope: [
    { H: 9, KV: 3, D: 64 },
    { H: 1, KV: 1, D: 2 },
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

describe("Tint", () => {
  let device: WebGpuDevice;
  beforeAll(async () => {
    device = await testDevice();
  });

  it.each(cases)("compiles $title", async ({ kernel, variant }) => {
    await new Pipelines(device.gpu).prepare(kernel, variant);
    await device.idle();
  });

  const formed = cases.flatMap((one) => (one.kernel.forms ?? []).map((form) => ({ ...one, form })));
  it.for(formed)("compiles $title in the form $form.name", async ({ kernel, variant, form }, { skip }) => {
    if (form.subgroup > device.subgroup) return skip("this adapter has no subgroups of that size");
    await new Pipelines(device.gpu).prepare(kernel, inForm(variant, form));
    await device.idle();
  });

  it("refuses a literal the shader cannot live with", async () => {
    const broken = { ...cases[0]!.kernel, stem: "attention", entry: "forward", constants: ["H", "KV", "D"] };
    const compiling = new Pipelines(device.gpu).prepare(broken as Kernel, {
      constants: { H: 2, KV: 0, D: 8 },
      include: [],
    });
    await expect(compiling).rejects.toThrow(/attention\.forward\(H=2,KV=0,D=8\)\+ does not compile:[\s\S]*zero/);
  });
});

describe.skipIf(!denoProgram())("naga", () => {
  it("compiles every shader in every variant", async () => {
    // Entry points of one shader share its text: compiling it once makes a pipeline of each.
    const modules = new Map(cases.map(({ kernel, variant }) => [assemble(kernel, variant), kernel.stem]));
    const results = await compileWithNaga([...modules].map(([code, label]) => ({ label, code })));
    expect(results.filter(({ error }) => error !== null)).toEqual([]);
    expect(new Set(results.map(({ label }) => label))).toEqual(new Set(kernels.map(({ stem }) => stem)));
  });
});

describe("shader text", () => {
  /** What some browser lacks or gets wrong, and what would hide the text from editors. */
  const FORBIDDEN = /\benable\b|\brequires\b|subgroup|\boverride\b|\$\{|\bf16\b|texture|sampler|atomic/;
  const files = [
    ...shaderStems(),
    // Not rows-broadcast: its form is for devices with subgroups alone.
    ...["reduce", "rows-direct", "weight-f32", "weight-f16", "weight-bf16"].map((piece) => `lib/${piece}`),
  ];

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
    const used = new Set(shader.entries.flatMap((entry) => shader.uses(entry)));
    expect(shader.bindings.filter((binding) => !used.has(binding)).map((binding) => binding.name)).toEqual([]);
  });
});
