/** Every option written is one that the other tool knows, and means the same job when it is read back. */
import { describe, expect, it } from "vitest";
import { readYamlConfig } from "../../src/cli/yaml-config.ts";
import { peftScale } from "../../src/formats/peft-config.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { resolveConfig, type TrainConfig } from "../../src/train/config.ts";
import { type Asked, adapter, Folder, fixtureJson } from "./support.ts";

const MLX = fixtureJson("mlx-options.json");
const TRL = fixtureJson("trl-options.json");

const JOBS: Readonly<Record<string, Asked>> = {
  defaults: {},
  "many settings": {
    knobs: {
      ...{ steps: 40, batchSize: 4, gradAccumulationSteps: 3, learningRate: 3e-7, lrSchedule: "linear", warmup: 7 },
      ...{ weightDecay: 0.5, beta1: 0.8, beta2: 0.95, eps: 1e-6, maxGradNorm: 0.3, dropout: 0.25, numLayers: 1 },
      ...{ maxSeqLength: 300, seed: 4294967295, stepsPerEval: 5, valBatches: -1, saveEvery: 8, checkpointing: "on" },
    },
  },
  "a level rate": { knobs: { steps: 9, batchSize: 2, maxSeqLength: 300, lrSchedule: "constant", warmup: 0 } },
  "a level rate after a warm-up": {
    knobs: { steps: 9, batchSize: 2, maxSeqLength: 300, lrSchedule: "constant", warmup: 4 },
  },
  "half done": { knobs: { steps: 40, batchSize: 4 }, more: { done: 25 } },
  "no adapter yet": { knobs: { rank: 4, alpha: 12, batchSize: 4 }, more: { adapter: null } },
  DoRA: { knobs: { fineTuneType: "dora", rank: 4, alpha: 12, batchSize: 4 }, more: { adapter: null } },
  "stops early": { knobs: { patience: 3, batchSize: 4, shuffle: false } },
  "no validation": { knobs: { batchSize: 4, stepsPerEval: 0, valBatches: 0 }, valid: null },
  "plain text": { rows: [{ text: "one" }, { text: "two" }], valid: null, knobs: { batchSize: 1 } },
};

/** Keyword arguments of a call in a script; commented lines count as well. */
function argumentsOf(script: string, name: string): string[] {
  const call = new RegExp(`\\b${name}\\(\\n((?:#? *\\w+=.*\\n)+)`).exec(script)?.[1] ?? "";
  return [...call.matchAll(/^#? *(\w+)=/gm)].map((match) => match[1]!);
}

function unknownMlx(options: Record<string, unknown>): string[] {
  const inner = (key: string, known: readonly string[]) => {
    const value = (key === "adamw" ? (options.optimizer_config as object)?.["adamw" as never] : options[key]) ?? {};
    return Object.keys(value).filter((name) => !known.includes(name));
  };
  return [
    ...Object.keys(options).filter((name) => !MLX.options.includes(name)),
    ...["lora_parameters", "lr_schedule", "adamw"].flatMap((key) => inner(key, MLX[key])),
  ];
}

describe.each(Object.entries(JOBS))("%s", (_, asked) => {
  const folder = new Folder(asked);
  const script = folder.text("trl/train.py");

  it("has no option that mlx-lm does not know", () => {
    expect(unknownMlx(folder.options())).toEqual([]);
  });

  it("has no field that TRL or PEFT does not know", () => {
    const sft = argumentsOf(script, "SFTConfig");
    const lora = argumentsOf(script, "LoraConfig");
    expect(sft.length).toBeGreaterThan(20);
    expect(lora.length).toBeGreaterThan(5);
    expect(sft.filter((name) => !TRL.SFTConfig.includes(name))).toEqual([]);
    expect(lora.filter((name) => !TRL.LoraConfig.includes(name))).toEqual([]);
    const start = folder.files.has("trl/start/adapter_config.json");
    expect(start).toBe(asked.more?.adapter !== null);
    const own = start ? Object.keys(JSON.parse(folder.text("trl/start/adapter_config.json"))) : [];
    expect(own.filter((name) => !TRL.LoraConfig.includes(name))).toEqual([]);
  });

  it("has the paths that are in the folder", () => {
    const { data, resume_adapter_file } = folder.options();
    expect(folder.files.has(`mlx/${data}/train.jsonl`)).toBe(true);
    if (resume_adapter_file) expect(folder.files.has(`mlx/${resume_adapter_file}`)).toBe(true);
    for (const [, name] of script.matchAll(/HERE \/ "data" \/ "(.+?)"/g))
      expect(folder.files.has(`trl/data/${name}`)).toBe(true);
    expect(script.includes('HERE / "start"')).toBe(folder.files.has("trl/start/adapter_model.safetensors"));
  });
});

it("would find an option that nobody knows", () => {
  const options = new Folder({}).options();
  options.lora_parameters.alpha = 16;
  options.optimizer_config.adamw.beta1 = 0.9;
  expect(unknownMlx({ ...options, max_grad_norm: 1 })).toEqual(["max_grad_norm", "alpha", "beta1"]);
  expect(argumentsOf("SFTConfig(\n    max_seq_length=5,\n)", "SFTConfig")).toEqual(["max_seq_length"]);
  expect(TRL.SFTConfig).not.toContain("max_seq_length");
});

/** What the reader makes of a configuration, with everything that it left out by default. */
const readBack = (text: string) => {
  const { knobs, notes, ...paths } = readYamlConfig(text, "config.yaml");
  return { config: resolveConfig(knobs, "config.yaml"), notes, paths };
};

/** Knobs that mlx-lm has no word for. */
const WITHOUT = ["maxGradNorm", "shuffle", "stepsPerSample", "patience", "guard"] as const;
const expressible = (config: TrainConfig) =>
  Object.fromEntries(Object.entries(config).filter(([name]) => !WITHOUT.includes(name as (typeof WITHOUT)[number])));

describe("config.yaml, read by Lorikeet itself", () => {
  const knobs = JOBS["many settings"]!.knobs!;
  const targetModules = [...new Set(adapter.factors.map(({ module }) => module.split(".").at(-1)!))].sort();
  const shape = { rank: adapter.rank, alpha: adapter.alpha, targetModules };

  it.each([
    ["many settings", { ...knobs, ...shape }],
    ["a level rate", { ...JOBS["a level rate"]!.knobs, ...shape }],
    ["a level rate after a warm-up", { ...JOBS["a level rate after a warm-up"]!.knobs, ...shape }],
  ] as const)("is the same job: %s", (_, wanted) => {
    const asked = { ...resolveConfig(wanted, "test"), targetModules: [...targetModules] };
    const { config, paths } = readBack(new Folder({ knobs: wanted }).text("mlx/config.yaml"));
    expect(expressible({ ...config, targetModules: [...config.targetModules].sort() })).toEqual({
      ...expressible(asked),
      epochs: "auto",
    });
    const names = { model: "org/model", data: "data", adapterPath: "adapters" };
    expect(paths).toEqual({ ...names, resumeAdapterFile: "start/adapters.safetensors" });
  });

  it.each(["weight_decay: 0.5", "iters: 120", "warmup: 7", "rank: ", "save_every: 24", "seed: 4294967295"])(
    "is another one when a number changes: %s",
    (line) => {
      const text = new Folder({ knobs }).text("mlx/config.yaml");
      const at = text.indexOf(line);
      expect(at).toBeGreaterThan(0);
      const [, before = "", digits = ""] = /^(.*?)([\d.]+)$/.exec(text.slice(at).split("\n")[0]!)!;
      const other = text.slice(0, at) + text.slice(at).replace(before + digits, before + Number(digits) / 2);
      const whole = (value: string) => {
        try {
          return readBack(value).config;
        } catch {
          return "refused";
        }
      };
      expect(whole(other)).not.toEqual(whole(text));
    },
  );

  it("asks for Adam's bias correction, so that the reader has no difference to tell", () => {
    const { notes } = readBack(new Folder({ knobs }).text("mlx/config.yaml"));
    expect(notes.join()).not.toContain("bias correction");
    const without = new Folder({ knobs })
      .text("mlx/config.yaml")
      .replace("bias_correction: true", "bias_correction: false");
    expect(readBack(without).notes.join()).toContain("bias correction");
  });

  it("splits a micro-batch that is larger than a file, and measures as many records", () => {
    const { config } = readBack(
      new Folder({ knobs: { steps: 60, batchSize: 8, valBatches: 2 } }).text("mlx/config.yaml"),
    );
    expect(config).toMatchObject({ steps: 60, batchSize: 4, gradAccumulationSteps: 2, valBatches: 4 });
  });

  it("never divides by zero there", () => {
    const folder = new Folder({ knobs: { steps: 6, batchSize: 2, stepsPerEval: 0, saveEvery: 0 } });
    expect(folder.options()).toMatchObject({ iters: 6, steps_per_eval: 6, save_every: 6 });
    expect(folder.files.has("mlx/data/valid.jsonl")).toBe(false);
    expect(folder.text("trl/train.py")).toContain('eval_strategy="no"');
  });
});

describe("the adapter so far", () => {
  it.each(["mlx/start", "trl/start"])("is what was trained: %s", async (place) => {
    const read = await importAdapter(new Folder({}).source(place));
    expect(read.factors).toEqual(adapter.factors);
    expect(read.scale).toBe(adapter.scale);
    const changed = structuredClone(adapter);
    changed.factors[0]!.B[0]! += 1;
    expect((await importAdapter(new Folder({ more: { adapter: changed } }).source(place))).factors).not.toEqual(
      adapter.factors,
    );
  });

  it("has the strength of the run, as a factor there and as alpha / rank here", () => {
    const folder = new Folder({ knobs: { rank: 4, alpha: 12 }, more: { adapter: null } });
    expect(folder.options().lora_parameters).toMatchObject({ rank: 4, scale: 3 });
    const script = folder.text("trl/train.py");
    const [r, alpha] = ["r", "lora_alpha"].map((name) => Number(new RegExp(`\\b${name}=(\\d+)`).exec(script)![1]));
    expect(peftScale(alpha!, r!, false)).toBe(3);
  });
});
