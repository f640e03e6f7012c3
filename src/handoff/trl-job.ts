/**
 * The job for TRL: a `train.py` to read and change, whose options are fields of SFTConfig (TRL 1.13, transformers 5.18)
 * and LoraConfig (PEFT 0.21), under their own names.
 */
import type { Adapter } from "../lora/adapter.ts";
import { splitModule } from "../lora/adapter.ts";
import { type AdapterFile, exportPeft } from "../lora/export.ts";
import { modulePatterns } from "../lora/patterns.ts";
import type { TrainConfig } from "../train/config.ts";
import type { HandoffModel } from "./job.ts";
import { type Argument, call, python, raw } from "./python.ts";
import type { TrlData } from "./trl-data.ts";

export interface TrlJob {
  readonly model: HandoffModel;
  /** Of what is left: steps and warm-up are numbers. */
  readonly config: TrainConfig;
  readonly adapter: Adapter | null;
  /** Paths of the linears that have an adapter. */
  readonly modules: readonly string[];
  readonly blocks: number;
  readonly data: TrlData;
}

/** In the folder `trl`. */
export function trlFiles(job: TrlJob): AdapterFile[] {
  const { adapter, data } = job;
  const start = adapter ? exportPeft(adapter).map(({ path, bytes }) => ({ path: `start/${path}`, bytes })) : [];
  const text = (path: string, content: string): AdapterFile => ({ path, bytes: new TextEncoder().encode(content) });
  return [
    text("train.py", trainScript(job)),
    text("data/train.jsonl", data.train.text),
    ...(measures(job) ? [text("data/valid.jsonl", data.valid!.text)] : []),
    ...start,
  ];
}

export function measures({ config, data }: Pick<TrlJob, "config" | "data">): boolean {
  return (data.valid?.rows ?? 0) > 0 && config.stepsPerEval > 0 && config.valBatches !== 0;
}

const SCHEDULERS = { constant: "constant_with_warmup", linear: "linear", cosine: "cosine" } as const;

/** The fields of SFTConfig, in the order of the script. */
export function sftOptions(job: TrlJob): Argument[] {
  const { config, data } = job;
  const measured = measures(job);
  const stops = measured && config.patience > 0;
  const saveEvery = stops ? config.stepsPerEval : config.saveEvery;
  return [
    ["output_dir", raw('str(HERE / "checkpoints")')],
    ["max_steps", Number(config.steps)],
    ["per_device_train_batch_size", raw("BATCH // GPUS")],
    ["gradient_accumulation_steps", config.gradAccumulationSteps],
    ["average_tokens_across_devices", true],
    ["learning_rate", config.learningRate],
    ["lr_scheduler_type", SCHEDULERS[config.lrSchedule]],
    ["warmup_steps", Number(config.warmup)],
    ["optim", "adamw_torch"],
    ["adam_beta1", config.beta1],
    ["adam_beta2", config.beta2],
    ["adam_epsilon", config.eps],
    ["weight_decay", config.weightDecay],
    ["max_grad_norm", config.maxGradNorm],
    ["max_length", config.maxSeqLength],
    ["packing", false],
    ...(data.form === "prompt-completion" ? ([["completion_only_loss", true]] as const) : []),
    ...(config.shuffle ? [] : ([["train_sampling_strategy", "sequential"]] as const)),
    ["gradient_checkpointing", config.checkpointing === "on" || Number(config.checkpointing) > 0],
    ["bf16", raw("torch.cuda.is_available() and torch.cuda.is_bf16_supported()")],
    ["seed", config.seed],
    ["eval_strategy", measured ? "steps" : "no"],
    ...(measured ? ([["eval_steps", config.stepsPerEval]] as const) : []),
    ...(measured ? ([["per_device_eval_batch_size", raw("max(1, BATCH // GPUS)")]] as const) : []),
    ["save_strategy", saveEvery > 0 ? "steps" : "no"],
    ...(saveEvery > 0 ? ([["save_steps", saveEvery]] as const) : []),
    ...(stops ? ([["load_best_model_at_end", true]] as const) : []),
    ...(stops ? ([["metric_for_best_model", "eval_loss"]] as const) : []),
    ["logging_steps", 1],
    ["report_to", "none"],
  ];
}

/** The fields of LoraConfig for a new adapter. A start that is there brings its own. */
export function loraOptions({ config, modules, blocks }: TrlJob): Argument[] {
  const leaves = [...new Set(modules.map((module) => splitModule(module).key.split(".").at(-1)!))].sort();
  const last = config.numLayers > 0 && config.numLayers < blocks ? blocks - config.numLayers : 0;
  const layers = Array.from({ length: blocks - last }, (_, i) => last + i);
  return [
    ["r", config.rank],
    ["lora_alpha", config.alpha],
    ...patternsOf("rank_pattern", config.rankPattern),
    ...patternsOf("alpha_pattern", config.alphaPattern),
    ["lora_dropout", config.dropout],
    ["target_modules", leaves],
    ...(last > 0 ? ([["layers_to_transform", layers]] as const) : []),
    ["bias", "none"],
    ["use_rslora", config.useRslora],
    ["use_dora", config.fineTuneType === "dora"],
    ["task_type", "CAUSAL_LM"],
  ];
}

function patternsOf(name: string, texts: readonly string[]): Argument[] {
  const dict = modulePatterns(texts)
    .map(({ source, value }) => `${python(source)}: ${python(value)}`)
    .join(", ");
  return texts.length > 0 ? [[name, raw(`{${dict}}`)]] : [];
}

function trainScript(job: TrlJob): string {
  const { model, config, adapter } = job;
  const measured = measures(job);
  const stops = measured && config.patience > 0;
  const some = measured && config.valBatches > 0 ? `.select(range(min(len(valid), ${config.valBatches} * BATCH)))` : "";
  return `"""A training job of Lorikeet in TRL. One GPU: accelerate launch train.py. README.md says what is the same and what is not."""
from pathlib import Path

import torch
from accelerate import PartialState
from datasets import Dataset
from peft import ${adapter ? "PeftModel" : "LoraConfig, get_peft_model"}
from transformers import AutoModelForCausalLM, AutoTokenizer${stops ? ", EarlyStoppingCallback" : ""}
from trl import SFTConfig, SFTTrainer

HERE = Path(__file__).resolve().parent
${model.note ? `# ${model.note}\n` : ""}MODEL = ${python(model.name)}
REVISION = ${model.revision === undefined ? "None" : python(model.revision)}
# Records of one micro-batch on all GPUs together.
BATCH = ${config.batchSize}
GPUS = PartialState().num_processes
if BATCH % GPUS:
    raise SystemExit(f"{BATCH} records cannot be shared by {GPUS} GPUs: change BATCH, and gradient_accumulation_steps the other way.")

train = Dataset.from_json(str(HERE / "data" / "train.jsonl"))
valid = ${measured ? 'Dataset.from_json(str(HERE / "data" / "valid.jsonl"))' : "None"}
${some === "" ? "" : `valid = valid${some}\n`}
tokenizer = AutoTokenizer.from_pretrained(MODEL, revision=REVISION)
model = AutoModelForCausalLM.from_pretrained(MODEL, revision=REVISION, dtype="auto")
${adapter ? startLines(job) : `model = get_peft_model(model, ${call("LoraConfig", loraOptions(job))})`}

config = ${call("SFTConfig", sftOptions(job))}
trainer = SFTTrainer(
    model=model,
    args=config,
    train_dataset=train,
    eval_dataset=valid,
    processing_class=tokenizer,
${stops ? `    callbacks=[EarlyStoppingCallback(early_stopping_patience=${config.patience})],\n` : ""})
trainer.train()
trainer.save_model(str(HERE / "adapters"))
`;
}

/** The adapter so far, and beside it what would make a new one. */
function startLines(job: TrlJob): string {
  const fresh = call("LoraConfig", loraOptions(job))
    .split("\n")
    .map((line) => `# ${line}`);
  return [
    'model = PeftModel.from_pretrained(model, str(HERE / "start"), is_trainable=True)',
    "# To begin anew instead, with LoraConfig and get_peft_model from peft:",
    `# model = get_peft_model(model, ${fresh.join("\n").slice(2)})`,
  ].join("\n");
}
