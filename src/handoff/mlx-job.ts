/** The job for `mlx_lm.lora --config`: every key is an option of mlx-lm (mlx_lm/lora.py, 0.32), in mlx-lm's units. */
import type { Adapter } from "../lora/adapter.ts";
import { splitModule } from "../lora/adapter.ts";
import { type AdapterFile, exportMlx } from "../lora/export.ts";
import type { MlxCurve } from "../optim/mlx-rate.ts";
import type { TrainConfig } from "../train/config.ts";
import type { Batch, HandoffModel } from "./job.ts";
import { strengthOf } from "./job.ts";
import type { MlxData } from "./mlx-data.ts";
import { toYaml, type YamlEntry } from "./yaml.ts";

export interface MlxJob {
  readonly model: HandoffModel;
  /** Of what is left: steps and warm-up are numbers. */
  readonly config: TrainConfig;
  readonly batch: Batch;
  readonly adapter: Adapter | null;
  /** Paths of the linears that have an adapter. */
  readonly modules: readonly string[];
  readonly data: MlxData;
}

/** In the folder `mlx`. */
export function mlxFiles(job: MlxJob): AdapterFile[] {
  const { adapter, data } = job;
  const start = adapter ? exportMlx(adapter).map(({ path, bytes }) => ({ path: `start/${path}`, bytes })) : [];
  const text = (path: string, content: string): AdapterFile => ({ path, bytes: new TextEncoder().encode(content) });
  return [
    text("config.yaml", toYaml(mlxOptions(job))),
    text("data/train.jsonl", data.train.text),
    ...(validates(job) ? [text("data/valid.jsonl", data.valid!.text)] : []),
    ...start,
  ];
}

/** mlx-lm measures as soon as there is a file to measure on, and cannot be told never to. */
export function validates({ config, data }: Pick<MlxJob, "config" | "data">): boolean {
  return (data.valid?.rows ?? 0) > 0 && config.stepsPerEval > 0 && config.valBatches !== 0;
}

export function mlxOptions(job: MlxJob): YamlEntry[] {
  const { model, config, batch, adapter, modules, data } = job;
  const { beta1, beta2, eps, weightDecay } = config;
  const iters = Number(config.steps) * batch.accumulation;
  const { rank, scale } = strengthOf(config, adapter);
  const keys = [...new Set(modules.map((module) => splitModule(module).key))].sort();
  // 0 would be a division by zero there.
  const inIters = (updates: number) => (updates === 0 ? iters : updates * batch.accumulation);
  return [
    { key: "model", value: model.name, ...(model.note ? { comment: model.note } : {}) },
    { key: "train", value: true },
    { key: "data", value: "data" },
    { key: "fine_tune_type", value: config.fineTuneType },
    { key: "seed", value: config.seed },
    { key: "num_layers", value: config.numLayers, comment: "The last so many blocks; -1 or 0 is all." },
    {
      key: "lora_parameters",
      value: { rank, scale, dropout: config.dropout, keys },
      comment: "scale is alpha / rank.",
    },
    { key: "batch_size", value: batch.size, comment: "Of all machines together." },
    { key: "grad_accumulation_steps", value: batch.accumulation },
    { key: "iters", value: iters, comment: "Micro-batches: updates × grad_accumulation_steps." },
    { key: "learning_rate", value: config.learningRate },
    { key: "lr_schedule", value: schedule(config), comment: "Counts updates; without one, learning_rate holds." },
    { key: "optimizer", value: "adamw" },
    {
      key: "optimizer_config",
      value: { adamw: { betas: [beta1, beta2], eps, weight_decay: weightDecay, bias_correction: true } },
      comment: "Bias correction is off in mlx-lm unless it is asked for.",
    },
    { key: "max_seq_length", value: config.maxSeqLength },
    { key: "mask_prompt", value: data.masked },
    { key: "grad_checkpoint", value: config.checkpointing === "on" || Number(config.checkpointing) > 0 },
    { key: "steps_per_eval", value: inIters(config.stepsPerEval), comment: "These three count micro-batches as well." },
    { key: "val_batches", value: valBatches(job) },
    { key: "save_every", value: inIters(config.saveEvery) },
    { key: "resume_adapter_file", value: adapter ? "start/adapters.safetensors" : null },
    { key: "adapter_path", value: "adapters" },
  ];
}

/** As many records as are measured here. */
function valBatches({ config, batch, data }: MlxJob): number {
  if (!validates({ config, data }) || config.valBatches < 0) return config.valBatches;
  return config.valBatches * batch.split;
}

/** Null for a level rate without a warm-up, which mlx-lm takes from learning_rate. */
export function mlxCurve(config: TrainConfig): MlxCurve | null {
  const { lrSchedule, learningRate: peak } = config;
  const [warmup, updates] = [Number(config.warmup), Number(config.steps)];
  if (lrSchedule === "constant" && warmup === 0) return null;
  const end = lrSchedule === "constant" ? peak : 0;
  return { schedule: lrSchedule, peak, end, steps: Math.max(1, updates - warmup), warmup, warmupInit: 0 };
}

function schedule(config: TrainConfig) {
  const curve = mlxCurve(config);
  if (!curve) return null;
  const { peak, end, steps, warmup } = curve;
  const cosine = curve.schedule === "cosine";
  return {
    name: cosine ? "cosine_decay" : "linear_schedule",
    arguments: cosine ? [peak, steps, end] : [peak, end, steps],
    ...(warmup > 0 ? { warmup, warmup_init: 0 } : {}),
  };
}
