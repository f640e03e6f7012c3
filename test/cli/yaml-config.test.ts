import { describe, expect, it } from "vitest";
import { readYamlConfig } from "../../src/cli/yaml-config.ts";
import { LorikeetError } from "../../src/core/errors.ts";
import { KNOBS, resolveConfig, type TrainConfig } from "../../src/train/config.ts";

const read = (text: string, flags: Partial<TrainConfig> = {}) => readYamlConfig(text, "lora.yaml", flags);
const knobs = (text: string, flags: Partial<TrainConfig> = {}) => read(text, flags).knobs;
const notes = (text: string, flags: Partial<TrainConfig> = {}) => read(text, flags).notes.join("\n");

function refusal(text: string, flags: Partial<TrainConfig> = {}): string {
  try {
    read(text, flags);
  } catch (error) {
    expect(error).toBeInstanceOf(LorikeetError);
    expect((error as LorikeetError).kind).toBe("config");
    expect((error as LorikeetError).message).toMatch(/^lora\.yaml: /);
    return (error as LorikeetError).message;
  }
  throw new Error("was accepted");
}

const WHOLE = `
# every option of mlx-lm that has a meaning here
model: "org/name"
train: true
fine_tune_type: lora
optimizer: adamw
optimizer_config:
  adamw: {betas: [0.8, 0.98], eps: 1e-6, weight_decay: 0.05, bias_correction: true}
  adam: {}
data: "folder"
seed: 0
num_layers: 16
batch_size: 4
iters: 600
val_batches: -1
learning_rate: 1e-5
steps_per_eval: 200
grad_accumulation_steps: 1
resume_adapter_file: null
adapter_path: "adapters"
save_every: 100
max_seq_length: 512
grad_checkpoint: true
mask_prompt: false
lora_parameters:
  keys: ["self_attn.q_proj", "mlp.down_proj"]
  rank: 4
  scale: 2.5
  dropout: 0.1
lr_schedule:
  name: cosine_decay
  warmup: 100
  arguments: [1e-5, 500]
`;

describe("a whole file", () => {
  it("becomes knobs and paths", () => {
    const config = read(WHOLE);
    expect(config).toEqual({
      model: "org/name",
      data: "folder",
      adapterPath: "adapters",
      notes: [],
      knobs: {
        steps: 600,
        batchSize: 4,
        gradAccumulationSteps: 1,
        learningRate: 1e-5,
        lrSchedule: "cosine",
        warmup: 100,
        weightDecay: 0.05,
        beta1: 0.8,
        beta2: 0.98,
        eps: 1e-6,
        fineTuneType: "lora",
        rank: 4,
        alpha: 10,
        dropout: 0.1,
        targetModules: ["q_proj", "down_proj"],
        numLayers: 16,
        maxSeqLength: 512,
        maskPrompt: false,
        seed: 0,
        stepsPerEval: 200,
        valBatches: -1,
        saveEvery: 100,
        checkpointing: "on",
      },
    });
    expect(resolveConfig(config.knobs, "test").epochs).toBe("auto");
  });

  it("gives way to flags", () => {
    expect(knobs(WHOLE, { seed: 7, epochs: 2 })).toMatchObject({ seed: 7, epochs: 2, rank: 4 });
    expect(knobs(WHOLE, { epochs: 2 })).not.toHaveProperty("steps");
    expect(knobs("seed: 3", { seed: 0 })).toEqual({ seed: 0 });
  });

  it("may be JSON, and may name any knob in snake_case", () => {
    expect(knobs('{"batch_size": 2, "lr_schedule": null}')).toEqual({
      batchSize: 2,
      lrSchedule: "constant",
      warmup: 0,
    });
    const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    for (const knob of KNOBS) {
      const text = `${snake(knob.name)}: ${JSON.stringify(knob.default)}`;
      expect(knobs(text), text).toEqual({ [knob.name]: knob.default });
    }
  });

  it("says which of mlx-lm's defaults are not taken", () => {
    expect(notes("seed: 1")).toContain("mask_prompt true (mlx-lm: false)");
    expect(notes("seed: 1")).toContain("epochs 1 (mlx-lm: 1000 iterations)");
    expect(notes("iters: 5\nmask_prompt: true")).not.toMatch(/epochs|mask_prompt/);
  });
});

describe("iterations are micro-batches", () => {
  it("become updates, with a note", () => {
    const text = "iters: 1000\ngrad_accumulation_steps: 4\nsave_every: 100\nsteps_per_eval: 30";
    expect(knobs(text)).toMatchObject({ steps: 250, saveEvery: 25, stepsPerEval: 8 });
    expect(notes(text)).toContain("1000 micro-batches are 250 updates of 4");
    expect(notes(text)).toContain("steps_per_eval: 30 micro-batches are 8 updates (rounded up)");
    expect(notes("iters: 1000")).not.toContain("micro-batches");
  });

  it("drop what does not fill an update, and say so", () => {
    expect(knobs("iters: 10\ngrad_accumulation_steps: 4")).toMatchObject({ steps: 2 });
    expect(notes("iters: 10\ngrad_accumulation_steps: 4")).toContain("the 2 left over are dropped");
    expect(refusal("iters: 3\ngrad_accumulation_steps: 4")).toContain("do not fill one update of 4");
  });

  it("follow the accumulation of the command line", () => {
    expect(knobs("iters: 12\ngrad_accumulation_steps: 4", { gradAccumulationSteps: 2 })).toMatchObject({ steps: 6 });
    expect(notes("iters: 12\ngrad_accumulation_steps: 4", { steps: 5 })).not.toContain("iters");
  });

  it("do not stand beside steps or epochs", () => {
    expect(refusal("iters: 12\nsteps: 3")).toContain("line 1: iters: given beside steps or epochs");
  });
});

describe("the adapter", () => {
  it("turns scale into alpha, for the rank that will be used", () => {
    expect(knobs("lora_parameters: {rank: 8, scale: 20.0}")).toMatchObject({ rank: 8, alpha: 160 });
    expect(knobs("lora_parameters: {scale: 2}")).toEqual({ alpha: 16 });
    expect(knobs("lora_parameters: {rank: 30, scale: 0.1}")).toMatchObject({ alpha: 3 });
    expect(knobs("lora_parameters: {rank: 8, scale: 20.0}", { rank: 16 })).toEqual({ rank: 16, alpha: 320 });
    expect(knobs("lora_parameters: {rank: 8, scale: 0.1}", { alpha: 4 })).toEqual({ rank: 8, alpha: 4 });
    expect(knobs("lora_parameters: {rank: 4, alpha: 8}")).toEqual({ rank: 4, alpha: 8 });
    expect(knobs("lora_parameters: {rank: 4, alpha: 8, scale: 2}", { rank: 2 })).toEqual({ rank: 2, alpha: 4 });
  });

  it.each([
    ["{rank: 3, scale: 0.1}", "alpha: expected whole number ≥ 1, got 0.3"],
    ["{rank: 4, scale: 2, alpha: 9}", "9 / rank 4 is not the scale 2"],
    ["{scale: big}", "expected number > 0"],
    ["{rank: 0}", "lora_parameters.rank: expected whole number ≥ 1, got 0"],
    ["{dropout: 1}", "lora_parameters.dropout"],
    ["{keys: [lm_head]}", 'got "lm_head"'],
    ["{keys: [model.embed_tokens]}", 'got "model.embed_tokens"'],
    ["{keys: []}", "lora_parameters.keys: expected names"],
    ["{key: [self_attn.q_proj]}", 'lora_parameters.key: no such option; did you mean "keys"?'],
    ["8", "expected rank, scale"],
  ])("refuses %s", (inner, expected) => expect(refusal(`lora_parameters: ${inner}`)).toContain(expected));
});

describe("the optimizer", () => {
  it("adam has no weight decay, and a note on bias correction", () => {
    expect(knobs("optimizer: adam")).toEqual({ weightDecay: 0 });
    expect(notes("optimizer: adam")).toContain("bias correction is on here and off in mlx-lm");
    expect(notes("learning_rate: 1e-5")).toContain("bias correction");
    expect(notes("optimizer: adam\noptimizer_config: {adam: {bias_correction: true}}")).not.toContain(
      "bias correction",
    );
    expect(notes("seed: 1")).not.toContain("bias correction");
  });

  it.each([
    ["optimizer: muon", 'optimizer: adam and adamw are supported, got "muon"'],
    ["optimizer: adamw\noptimizer_config: {adamw: {betas: [0.9]}}", "betas: expected two numbers"],
    ["optimizer: adamw\noptimizer_config: {adamw: {betas: [0.9, 1]}}", "optimizer_config.adamw.betas"],
    ["optimizer: adamw\noptimizer_config: {adamw: {beta: 1}}", "optimizer_config.adamw.beta: no such option"],
    ["optimizer_config: 3", "optimizer_config: expected options"],
  ])("refuses %j", (text, expected) => expect(refusal(text)).toContain(expected));
});

describe("other options", () => {
  it("notes those without effect, unless they are switched off", () => {
    expect(notes("report_to: wandb\nclear_cache_threshold: 2GB")).toContain(
      "without effect here: clear_cache_threshold, report_to",
    );
    expect(notes("report_to: null\ntest: false\nclear_cache_threshold: 0")).not.toContain("without effect");
  });

  it("takes DoRA and rank-stabilised scales", () => {
    const text = "fine_tune_type: dora\nuse_rslora: true\nlora_parameters: {rank: 4, scale: 2, dropout: 0}";
    expect(knobs(text)).toEqual({ fineTuneType: "dora", useRslora: true, rank: 4, alpha: 4, dropout: 0 });
  });

  it("reads grad_checkpoint: false as automatic", () => {
    expect(knobs("grad_checkpoint: false")).toEqual({ checkpointing: "auto" });
    // Its own key says more.
    expect(knobs("checkpointing: 12")).toEqual({ checkpointing: 12 });
  });

  it.each([
    ["fine_tune_type: full", 'line 1: fine_tune_type: expected one of lora, dora, got "full"'],
    ["train: false", "lorikeet eval"],
    ["hf_dataset: {path: x}", "download the dataset as JSONL"],
    ["text_feature: body", "rename the column to text"],
    ["seed: 1\nlerning_rate: 1", 'line 2: lerning_rate: no such option; did you mean "learning_rate"?'],
    ["lora_layers: 4", "num_layers"],
    ["grad_checkpoint: some", "expected true or false"],
    ["mask_prompt: yes", 'expected true or false, got "yes"'],
    ["batch_size: four", 'line 1: batch_size: expected whole number ≥ 1, got "four"'],
    ["model: 3", "model: expected text"],
    ["__proto__: 1", "__proto__: no such option"],
  ])("refuses %j", (text, expected) => expect(refusal(text)).toContain(expected));

  it("reports all problems at once", () => {
    expect(refusal("seed: -1\nbatch_size: 0\nnope: 1\noptimizer: sgd")).toContain("lora.yaml: 4 problems");
  });
});

describe("hostile and broken files", () => {
  const bomb = [
    "a: &a [1, 1]",
    ..."bcdefghij".split("").map((name, i) => `${name}: &${name} [${Array(9).fill(`*${"abcdefghij"[i]}`)}]`),
  ];

  it.each([
    ["an alias bomb", bomb.join("\n"), "alias"],
    ["absurd nesting", "[".repeat(60_000), "not readable as YAML"],
    ["a huge file", `seed: 1 #${" ".repeat(70_000)}`, "at most 65536"],
    ["a repeated key", "seed: 1\nseed: 2", "unique"],
    ["a list", "- seed", "expected options"],
    ["nothing", "", "expected options"],
    ["a foreign tag", "seed: !!js/function 'x'", "tag"],
    ["two documents", "seed: 1\n---\nseed: 2", "not readable as YAML"],
    ["bad syntax", "seed: [1", "not readable as YAML"],
    ["a value that cannot be shown", "optimizer: {toString: 1}", "got a structure"],
    ["a list that cannot be shown", "target_modules: [{toString: 1}]", "got a structure"],
    ["a loop in a name", "lr_schedule: &a {name: *a}", "got a structure"],
    ["a loop", "lora_parameters: &a {keys: *a}", ""],
  ])("refuses %s in a short message", (_, text, expected) => {
    const message = refusal(text);
    expect(message).toContain(expected);
    expect(message.length).toBeLessThan(400);
  });

  it("shows control characters as signs", () => {
    expect(refusal('"\\e[2Jseed": 1')).toContain("␛[2Jseed");
  });

  it("allows a few honest aliases", () => {
    expect(knobs("batch_size: &n 4\nrank: *n")).toEqual({ batchSize: 4, rank: 4 });
  });
});
