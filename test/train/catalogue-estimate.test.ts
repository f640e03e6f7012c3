/** What each listed model would need: derived from the registry, equal to the dry run, remembered, refused in words. */
import { beforeEach, describe, expect, it, vi } from "vitest";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import type { CatalogueEntry } from "../../src/hub/catalogue/entry.ts";
import { accessSteps, CATALOGUE, findEntry } from "../../src/hub/catalogue.ts";
import { supportedFamilies } from "../../src/models/registry.ts";
import {
  type DescribeOptions,
  describeCatalogue,
  entryElement,
  KNOBS_OF_MEMORY,
  typicalLengths,
} from "../../src/train/catalogue-estimate.ts";
import { findKnob, KNOBS, type Knob, type KnobName, resolveConfig, type TrainConfig } from "../../src/train/config.ts";
import { type EstimateInput, estimateUpdate } from "../../src/train/estimate.ts";
import { checkValue, type Value } from "../../src/train/setting.ts";

const count = vi.hoisted(() => ({ runs: 0 }));
vi.mock("../../src/train/estimate.ts", async (original) => {
  const actual = await original<typeof import("../../src/train/estimate.ts")>();
  const counted: typeof actual.estimateUpdate = (input) => {
    count.runs += 1;
    return actual.estimateUpdate(input);
  };
  return { ...actual, estimateUpdate: counted };
});
beforeEach(() => {
  count.runs = 0;
});

const train = resolveConfig({}, "test");
const smallest = findEntry("HuggingFaceTB/SmolLM2-135M-Instruct")!;

/** A llama of a few thousand parameters; `seed` makes it another one, which no run before has seen. */
const tiny = (seed: number, config: Record<string, unknown> = {}): CatalogueEntry => ({
  ...smallest,
  id: `someone/tiny-${seed}`,
  config: {
    ...smallest.config,
    ...{ hidden_size: 64, intermediate_size: 128 + 4 * seed, num_hidden_layers: 3, vocab_size: 512 },
    ...{ num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16, max_position_embeddings: 256 },
    ...config,
  },
});
const describeOne = async (entry: CatalogueEntry, options: Partial<DescribeOptions<string>> = {}) => {
  const [row] = await describeCatalogue({ train, judge: () => "?", catalogue: [entry], ...options });
  return row!;
};

describe("the whole catalogue", () => {
  it("has figures exactly for the families of the registry, and the reason for the others", async () => {
    const rows = await describeCatalogue({ train, judge: () => "?" });
    expect(rows.map(({ entry }) => entry)).toEqual(CATALOGUE);
    for (const { entry, supported, reason, plain, checkpointed } of rows) {
      const family = String(entry.config.model_type);
      if (supportedFamilies().includes(family)) {
        expect({ id: entry.id, supported, reason }).toEqual({ id: entry.id, supported: true, reason: null });
        // Norms and biases are f32 on the device.
        const each = entry.coded ? 4.5 / 8 : 2;
        expect(plain!.weightBytes).toBeGreaterThanOrEqual(each * entry.parameters);
        expect(plain!.weightBytes).toBeLessThan(1.005 * each * entry.parameters);
        expect(plain!.peakBytes).toBeGreaterThan(plain!.weightBytes + plain!.adapterBytes);
        expect(checkpointed!.peakBytes).toBeGreaterThan(plain!.weightBytes + plain!.adapterBytes);
        expect(checkpointed!.peakBytes).toBeLessThan(plain!.peakBytes);
      } else {
        expect(reason).toBe(`${family} is not supported yet`);
        expect({ supported, plain, checkpointed }).toEqual({ supported: false, plain: null, checkpointed: null });
      }
    }
  });

  it("survives the way to the page", async () => {
    const rows = await describeCatalogue({ train, judge: (bytes) => bytes < 2e9, catalogue: CATALOGUE.slice(0, 3) });
    expect(structuredClone(rows)).toEqual(rows);
  });
});

describe("a model in codes", () => {
  const coded = findEntry("mlx-community/Qwen3-1.7B-4bit")!;

  it("takes its codes, scales and biases, and little more than a quarter of the original", async () => {
    const original = findEntry(coded.coded!.original)!;
    expect([entryElement(coded), entryElement(original)]).toEqual(["q4g64-bf16", "bf16"]);
    const [codes, plain] = [await describeOne(coded), await describeOne(original)];
    const share = codes.plain!.weightBytes / plain.plain!.weightBytes;
    expect(share).toBeGreaterThan(0.281);
    expect(share).toBeLessThan(0.282);
    // All but the weights is the same.
    const rest = (row: typeof codes) => row.plain!.peakBytes - row.plain!.weightBytes;
    expect(rest(codes)).toBe(rest(plain));
    expect(codes.plain!.adapterBytes).toBe(plain.plain!.adapterBytes);
  });

  it("is what its file holds, but for norms of twice as many bits and the file's header", async () => {
    const { plain } = await describeOne(coded);
    const { config, bytes } = coded;
    const [C, L, D] = [config.hidden_size, config.num_hidden_layers, config.head_dim].map(Number) as [
      number,
      number,
      number,
    ];
    const norms = L * (2 * C + 2 * D) + C;
    const header = bytes.weights - (plain!.weightBytes - 2 * norms);
    expect(header).toBeGreaterThan(70_000);
    expect(header).toBeLessThan(110_000);
  });

  it("with more bits takes more", async () => {
    const entry = { ...tiny(11), coded: { bits: 4, group: 64, original: "someone/tiny" } } as const;
    const bytes = async (bits: 2 | 4 | 8) =>
      (await describeOne({ ...entry, coded: { ...entry.coded, bits } })).plain!.weightBytes;
    expect(await bytes(2)).toBeLessThan(await bytes(4));
    expect(await bytes(4)).toBeLessThan(await bytes(8));
  });
});

describe("one model", () => {
  it("gets the dry run's bytes, and the caller's word for each peak", async () => {
    const row = await describeOne(tiny(0), { judge: (bytes) => `judged ${bytes}` });
    const config = parseModelConfig(row.entry.config, "tiny");
    for (const [recomputed, need] of [
      [0, row.plain!],
      [config.num_hidden_layers, row.checkpointed!],
    ] as const) {
      const input: EstimateInput = { config, element: "bf16", train, lengths: typicalLengths(train), recomputed };
      const { weightBytes, adapterBytes, peakBytes } = await estimateUpdate(input);
      expect(need).toEqual({ weightBytes, adapterBytes, peakBytes, verdict: `judged ${peakBytes}` });
    }
    expect(row.plain!.verdict).not.toBe(row.checkpointed!.verdict);
  });

  it("comes with what the page shows beside its needs", async () => {
    const row = await describeOne(smallest);
    expect(row).toMatchObject({ downloadBytes: 271_165_108, contextTokens: 8192, access: null });
    expect(row.page).toBe("https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct");
    const gated = { ...tiny(1), gated: true };
    expect((await describeOne(gated)).access).toBe(accessSteps(gated.id));
  });

  it.each([
    ["an unknown family", tiny(2, { model_type: "mamba" }), {}, false, /^mamba is not supported yet$/],
    ["a feature that is missing", tiny(3, { rope_scaling: { rope_type: "dynamic" } }), {}, false, /rope_type/],
    ["targets it does not have", tiny(4), { train: { ...train, targetModules: ["qkv"] } }, true, /qkv/],
    ["a device too small for it", tiny(5), { limits: { maxBinding: 4096, maxBuffer: 4096 } }, true, /4096/],
  ])("with %s gets the reason in words", async (_, entry, options, supported, reason) => {
    const row = await describeOne(entry, options);
    expect(row).toMatchObject({ supported, plain: null, checkpointed: null });
    expect(row.reason).toMatch(reason);
    expect((await describeOne(tiny(6))).reason).toBeNull();
  });

  it("cuts records to its context", async () => {
    const peak = async (tokens: number) =>
      (await describeOne(tiny(7), { lengths: [{ tokens, supervised: tokens }] })).plain!.peakBytes;
    expect(await peak(4096)).toBe(await peak(256));
    expect(await peak(200)).toBeLessThan(await peak(256));
  });
});

describe("memory of dry runs", () => {
  it("asks each question once", async () => {
    await describeOne(tiny(8));
    expect(count.runs).toBe(2);
    const again = await describeOne(tiny(8), { train: { ...train, learningRate: 1e-3, seed: 7 } });
    expect(count.runs).toBe(2);
    const lower = await describeOne(tiny(8), { train: { ...train, rank: 4 } });
    expect(count.runs).toBe(4);
    expect(lower.plain!.adapterBytes).toBeLessThan(again.plain!.adapterBytes);
    await describeOne(tiny(8), { limits: { maxBinding: 2 ** 28, maxBuffer: 2 ** 28 } });
    expect(count.runs).toBe(6);
  });

  it("forgets a failure", async () => {
    const strict = { limits: { maxBinding: 4096, maxBuffer: 4096 } };
    await describeOne(tiny(9), strict);
    const before = count.runs;
    await describeOne(tiny(9), strict);
    expect(count.runs).toBe(before + 1);
  });

  /** Another value of a knob than the one in `train`. */
  const another = (knob: Knob): Value => {
    const candidates: readonly Value[] = [1, 2, 0.5, true, false, ["q_proj"], ["q_proj=4"], ...(knob.choices ?? [])];
    return candidates.find((value) => checkValue(knob, value) === undefined && value !== train[knob.name as KnobName])!;
  };
  const config = parseModelConfig(tiny(10).config, "tiny");
  const lengths = typicalLengths(train);
  const bytesWith = async (changed: Partial<TrainConfig>, recomputed: number) => {
    const input = { config, element: "bf16" as const, train: { ...train, ...changed }, lengths, recomputed };
    const { weightBytes, adapterBytes, peakBytes } = await estimateUpdate(input);
    return { weightBytes, adapterBytes, peakBytes };
  };

  it.each(KNOBS.map((knob: Knob) => knob.name))("%s changes bytes only if it is told apart", async (name) => {
    const value = another(findKnob(name)!);
    expect(value).toBeDefined();
    const told = (KNOBS_OF_MEMORY as readonly string[]).includes(name);
    let differs = false;
    for (const recomputed of [0, config.num_hidden_layers]) {
      const usual = await bytesWith({}, recomputed);
      const other = await bytesWith({ [name]: value }, recomputed);
      differs ||= JSON.stringify(usual) !== JSON.stringify(other);
    }
    expect(differs).toBe(told);
  });
});

describe("a typical micro-batch", () => {
  it("is 1,024 tokens at the default batch size, a quarter of them supervised", () => {
    const total = (part: "tokens" | "supervised") => typicalLengths(train).reduce((sum, row) => sum + row[part], 0);
    expect([total("tokens"), total("supervised")]).toEqual([1024, 256]);
  });

  it("follows the batch size and the longest record", () => {
    const lengths = typicalLengths({ ...train, batchSize: 3, maxSeqLength: 2 });
    expect(lengths).toEqual(Array.from({ length: 3 }, () => ({ tokens: 2, supervised: 1 })));
  });
});
