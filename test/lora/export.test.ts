import { describe, expect, it } from "vitest";
import { memoryModel, memorySource } from "../../src/core/bytes.ts";
import { toFloat32 } from "../../src/core/dtype.ts";
import { openSafetensors } from "../../src/formats/safetensors.ts";
import { type Adapter, compareModules, type LinearShape } from "../../src/lora/adapter.ts";
import { type AdapterFile, exportMlx, exportPeft } from "../../src/lora/export.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { blockLinears, fixture, fixtureConfig, randomAdapter } from "./support.ts";

const jsonOf = (files: AdapterFile[]) =>
  JSON.parse(new TextDecoder().decode(files.find(({ path }) => path.endsWith(".json"))!.bytes));
const tensorsOf = (files: AdapterFile[]) => openSafetensors(memorySource(files[0]!.path, files[0]!.bytes));
const linears = blockLinears(fixtureConfig("llama/config.json"));
const only = (test: (module: string) => boolean) => [...linears].filter(([module]) => test(module));

/**
 * What mlx-lm's loader does with a folder: it adapts the modules `keys` names in the last `num_layers` blocks, then takes
 * a tensor only where the adapted model has a parameter of that name and shape. Stricter here: the two sets are equal.
 */
async function loadLikeMlx(
  files: AdapterFile[],
  model: ReadonlyMap<string, LinearShape>,
  blocks: number,
): Promise<void> {
  const config = jsonOf(files);
  const { rank, scale, dropout, keys } = config.lora_parameters;
  expect(files.map(({ path }) => path)).toEqual(["adapters.safetensors", "adapter_config.json"]);
  expect(config.fine_tune_type).toBe("lora");
  expect([rank, scale, dropout].every(Number.isFinite)).toBe(true);
  expect(config.num_layers).toBeGreaterThanOrEqual(1);
  expect(config.num_layers).toBeLessThanOrEqual(blocks);
  const parameters = new Map<string, number[]>();
  for (let block = blocks - config.num_layers; block < blocks; block++) {
    for (const key of keys) {
      const module = `model.layers.${block}.${key}`;
      const linear = model.get(module);
      expect(linear, `${module} must exist`).toBeDefined();
      parameters.set(`${module}.lora_a`, [linear!.in_features, rank]);
      parameters.set(`${module}.lora_b`, [rank, linear!.out_features]);
    }
  }
  const file = await tensorsOf(files);
  const found = new Map([...file.tensors].map(([name, { shape }]) => [name, shape]));
  expect(found).toEqual(parameters);
}

describe("MLX export", () => {
  it.each([
    ["all linears", linears],
    ["q and v", only((module) => /[qv]_proj$/.test(module))],
    ["the last block", only((module) => module.startsWith("model.layers.1."))],
  ])("%s: loads by mlx-lm's rules, with nothing left over on either side", async (_, chosen) => {
    await loadLikeMlx(exportMlx(randomAdapter(chosen, 4, { num_hidden_layers: 2 })), linears, 2);
  });

  it("control: the emulated loader refuses a wrong shape, a wrong name and a wrong block", async () => {
    const [first] = [...linears];
    const wide: [string, LinearShape][] = [[first![0], { in_features: 65, out_features: 64 }]];
    for (const chosen of [wide, [["model.layers.1.mlp.q_proj", first![1]] as [string, LinearShape]]]) {
      await expect(loadLikeMlx(exportMlx(randomAdapter(chosen, 4)), linears, 2)).rejects.toThrow();
    }
    const tail = exportMlx(
      randomAdapter(
        only((module) => module.includes(".0.")),
        4,
      ),
    );
    await expect(loadLikeMlx(tail, linears, 2)).rejects.toThrow();
  });

  it("num_layers reaches from the lowest adapted block to the end of the base", () => {
    const lowest = randomAdapter(
      only((module) => module.includes(".0.")),
      4,
      { num_hidden_layers: 12 },
    );
    expect(jsonOf(exportMlx(lowest)).num_layers).toBe(12);
  });

  it("writes A and B transposed, F32, sorted, side by side, also where in = out", async () => {
    const shape = { in_features: 4, out_features: 4 };
    const factor = {
      module: "model.layers.0.self_attn.q_proj",
      ...shape,
      rank: 4,
      A: Float32Array.from({ length: 16 }, (_, i) => i),
      B: Float32Array.from({ length: 16 }, (_, i) => 100 + i),
    };
    const files = exportMlx({ rank: 4, alpha: 8, scale: 2, dropout: 0, factors: [factor], use_rslora: false });
    const file = await tensorsOf(files);
    expect(file.metadata).toEqual({ format: "mlx" });
    const read = async (leaf: string) => {
      const info = file.tensors.get(`${factor.module}.${leaf}`)!;
      expect(info.dtype).toBe("F32");
      return [...toFloat32(await file.read(info), "F32")];
    };
    expect((await read("lora_a")).slice(0, 5)).toEqual([0, 4, 8, 12, 1]); // [in, r]: column 0 of A first
    expect((await read("lora_b")).slice(0, 5)).toEqual([100, 104, 108, 112, 101]);
    const infos = [...file.tensors.values()];
    expect(infos.map(({ name }) => name)).toEqual(infos.map(({ name }) => name).sort());
    expect(infos.reduce((sum, { begin, end }) => sum + end - begin, 0)).toBe(4 * 32);
  });

  it("passes further settings on and keeps its own keys", () => {
    const config = jsonOf(exportMlx(randomAdapter(linears, 4, { base_model: "org/m" }), { iters: 7, num_layers: 99 }));
    expect(config).toMatchObject({ iters: 7, num_layers: 2, model: "org/m", lora_alpha: 8 });
  });
});

describe("PEFT export", () => {
  it("names, shapes and metadata are PEFT's", async () => {
    const file = await tensorsOf(exportPeft(randomAdapter(linears, 4)));
    expect(file.metadata).toEqual({ format: "pt" });
    expect(file.tensors.get("base_model.model.model.layers.1.mlp.down_proj.lora_A.weight")!.shape).toEqual([4, 160]);
    expect(file.tensors.get("base_model.model.model.layers.1.mlp.down_proj.lora_B.weight")!.shape).toEqual([64, 4]);
  });

  const targets = (adapter: Adapter) => {
    const { target_modules, layers_to_transform } = jsonOf(exportPeft(adapter));
    return { target_modules, layers_to_transform };
  };

  it("targets exactly the adapted modules", () => {
    const leaves = ["q_proj", "v_proj"];
    const qv = (module: string) => /[qv]_proj$/.test(module);
    expect(targets(randomAdapter(only(qv), 4))).toEqual({ target_modules: leaves, layers_to_transform: null });
    const second = only((module) => qv(module) && module.includes(".1."));
    expect(targets(randomAdapter(second, 4))).toEqual({ target_modules: leaves, layers_to_transform: [1] });
    const first = only((module) => qv(module) && module.includes(".0."));
    expect(targets(randomAdapter(first, 4, { num_hidden_layers: 2 }))).toEqual({
      target_modules: leaves,
      layers_to_transform: [0],
    });
    const mixed = only((module) => /0\.self_attn\.q_proj|1\.self_attn\.v_proj/.test(module));
    expect(targets(randomAdapter(mixed, 4))).toEqual({
      target_modules: mixed.map(([module]) => module),
      layers_to_transform: null,
    });
  });

  it("turns a rank-stabilised scale into plain alpha of the same strength", async () => {
    const config = jsonOf(exportPeft(randomAdapter(linears, 4, { alpha: 8, scale: 4, use_rslora: true })));
    expect(config).toMatchObject({ lora_alpha: 16, use_rslora: false, r: 4 });
  });
});

describe("there and back", () => {
  const reread = (files: AdapterFile[]) => importAdapter(memoryModel("exported", files));

  it("MLX → PEFT → MLX is the identity on the tensor file, byte for byte, square layers included", async () => {
    const square: [string, LinearShape][] = [["model.layers.0.self_attn.q_proj", { in_features: 6, out_features: 6 }]];
    for (const adapter of [randomAdapter(linears, 4), randomAdapter(square, 6), randomAdapter(square, 3)]) {
      const mlx = exportMlx(adapter);
      const peft = exportPeft(await reread(mlx));
      const again = exportMlx(await reread(peft));
      expect(Buffer.compare(again[0]!.bytes, mlx[0]!.bytes)).toBe(0);
      // Negative control: the layouts differ, so a forgotten transpose could not pass.
      const a = await tensorsOf(mlx);
      const b = await tensorsOf(peft);
      const name = adapter.factors[0]!.module;
      const lora_a = await a.read(a.tensors.get(`${name}.lora_a`)!);
      const lora_A = await b.read(b.tensors.get(`base_model.model.${name}.lora_A.weight`)!);
      expect(Buffer.compare(lora_a, lora_A)).not.toBe(0);
    }
  });

  it("every factor survives both layouts", async () => {
    const adapter = randomAdapter(linears, 4, { base_model: "org/m", dropout: 0.05 });
    const factors = [...adapter.factors].sort((a, b) => compareModules(a.module, b.module));
    const sorted = { ...adapter, factors };
    expect(await reread(exportPeft(adapter))).toEqual(sorted);
    expect(await reread(exportMlx(adapter))).toEqual({ ...sorted, num_hidden_layers: 2 });
  });

  it("what mlx-lm wrote keeps its values", async () => {
    const source = fixture("mlx/adapters-llama-random");
    const original = await openSafetensors((await source.open("adapters.safetensors"))!);
    const written = await tensorsOf(exportMlx(await importAdapter(source)));
    expect([...written.tensors.keys()]).toEqual([...original.tensors.keys()].sort());
    for (const [name, info] of original.tensors) {
      expect(Buffer.compare(await written.read(written.tensors.get(name)!), await original.read(info)), name).toBe(0);
    }
  });

  it("adapters of multimodal wrappers keep each tool's path", async () => {
    const adapter = randomAdapter(linears, 4, { in_language_model: true });
    const mlx = exportMlx(adapter);
    expect([...(await tensorsOf(mlx)).tensors.keys()][0]).toMatch(/^language_model\.model\.layers\.0\./);
    const peft = exportPeft(await reread(mlx));
    expect([...(await tensorsOf(peft)).tensors.keys()][0]).toMatch(
      /^base_model\.model\.model\.language_model\.layers\.0\./,
    );
    expect(Buffer.compare(exportMlx(await reread(peft))[0]!.bytes, mlx[0]!.bytes)).toBe(0);
  });
});

describe("refusing", () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY])("a factor with %f, by name and index", (bad) => {
    const adapter = randomAdapter(linears, 4);
    adapter.factors[2]!.B[5] = bad;
    const message = `model.layers.0.self_attn.v_proj.lora_B[5]: expected a number, got ${bad}`;
    expect(() => exportMlx(adapter)).toThrow(message);
    expect(() => exportPeft(adapter)).toThrow(message);
  });

  it("factors of another shape, and no factors", () => {
    const adapter = randomAdapter(linears, 4);
    expect(() => exportMlx({ ...adapter, rank: 5 })).toThrow("expected rank 5 as its largest, got 4");
    const short = { ...adapter.factors[0]!, B: new Float32Array(255) };
    expect(() => exportMlx({ ...adapter, factors: [short] })).toThrow(
      "expected A [4, 64] and B [64, 4], got 256 and 255 values",
    );
    expect(() => exportPeft({ ...adapter, factors: [] })).toThrow("expected at least one adapted linear, got none");
  });
});
