/** What each setting of the job is in mlx-lm and in TRL, with this job's numbers, and what has no counterpart there. */
import { formatCount, formatSetting, listed } from "../core/units.ts";
import { uniformAdapter } from "../lora/uniform.ts";
import { mlxRate } from "../optim/mlx-rate.ts";
import { scheduledRate, type TrainConfig } from "../train/config.ts";
import { type Batch, strengthOf } from "./job.ts";
import { type MlxJob, mlxCurve, validates } from "./mlx-job.ts";
import type { TrlJob } from "./trl-job.ts";
import type { Written } from "./written.ts";

export interface Equivalence {
  readonly what: string;
  readonly here: string;
  readonly mlx: string;
  readonly trl: string;
}

export function equivalences(mlx: MlxJob, trl: TrlJob): Equivalence[] {
  const { config, batch } = mlx;
  return [
    strength(mlx),
    ...strengthByLayer(mlx),
    lengthOf(config, batch),
    batchRow(config, batch),
    loss(config),
    rate(config),
    optimizer(config),
    clipping(config),
    masks(mlx, trl),
    ...padding(mlx),
    {
      what: "Length",
      here: `Records are cut at ${config.maxSeqLength} tokens.`,
      mlx: "max_seq_length, the same.",
      trl: "max_length, the same.",
    },
    {
      what: "Template",
      here: "The model's own, as of 26 July 2024 where it prints the date.",
      mlx: "The model's own, with today's date.",
      trl: trl.data.form === "tokens" ? "None: the tokens are ours." : "The model's own, with today's date.",
    },
    seeds(config),
    validation(mlx, trl),
    precision(config),
    guard(config),
  ];
}

function strength({ config, adapter }: MlxJob): Equivalence {
  const { rank, scale } = strengthOf(config, adapter);
  const rootOf = config.useRslora && !adapter;
  const alpha = formatSetting(Number((scale * rank).toFixed(9)));
  return {
    what: "Strength",
    here: `B·A is multiplied with ${formatSetting(scale)}, which is alpha / rank = ${alpha} / ${rank}.`,
    mlx: `lora_parameters.scale is that factor itself: ${formatSetting(scale)}. There is no alpha.`,
    trl: rootOf
      ? `lora_alpha ${config.alpha} and r ${rank} with use_rslora, which divides by √r.`
      : `lora_alpha ${alpha} and r ${rank}, divided there; use_rslora would divide by √r.`,
  };
}

function strengthByLayer({ config, adapter }: MlxJob): Equivalence[] {
  const fresh = [
    ...config.rankPattern.map((text) => `rank ${text}`),
    ...config.alphaPattern.map((text) => `alpha ${text}`),
  ];
  const mixed = adapter ? uniformAdapter(adapter).notes : fresh;
  if (mixed.length === 0) return [];
  return [
    {
      what: "Strength by layer",
      here: adapter ? "Layers have ranks or scales of their own." : `${listed(fresh)}.`,
      mlx: adapter
        ? `One rank and one scale: ${mixed.join("; ")}. What stands in padding never learns; where a scale went into B, its updates are of another size.`
        : "Unknown: every layer gets the one rank and the one scale.",
      trl: "rank_pattern and alpha_pattern, the same.",
    },
  ];
}

function lengthOf(config: TrainConfig, { accumulation }: Batch): Equivalence {
  const updates = Number(config.steps);
  return {
    what: "Length of the job",
    here: `${updates} optimizer updates.`,
    mlx: `iters counts micro-batches: ${updates} × ${accumulation} = ${updates * accumulation}. Records that fill no whole batch at the end of the file never train.`,
    trl: `max_steps counts updates: ${updates}. The last update of an epoch takes what is left, as here.`,
  };
}

function batchRow(
  { batchSize, gradAccumulationSteps }: TrainConfig,
  { size, accumulation, split }: Batch,
): Equivalence {
  const records = batchSize * gradAccumulationSteps;
  const why = split > 1 ? " (smaller, because each file must fill one)" : "";
  return {
    what: "Batch",
    here: `${batchSize} records × ${gradAccumulationSteps} micro-batches = ${records} an update.`,
    mlx: `batch_size ${size}${why} × ${accumulation}. It is shared by all Macs, so their number must divide it.`,
    trl: `BATCH ${batchSize} is shared by all GPUs (per_device_train_batch_size = BATCH / GPUs) × ${gradAccumulationSteps}.`,
  };
}

function loss({ gradAccumulationSteps }: TrainConfig): Equivalence {
  const here = "Mean over the supervised tokens of the whole update.";
  const several = gradAccumulationSteps > 1 ? "" : " With one micro-batch on one machine it is the same.";
  return {
    what: "Loss",
    here,
    mlx: `Mean of the means of micro-batches and machines: an answer of 3 tokens weighs as much as one of 300 in another.${several}`,
    trl: "As here, over all micro-batches and GPUs (average_tokens_across_devices).",
  };
}

/** Largest difference of mlx-lm's rate from ours over the job, as a share of the peak. */
export function rateDifference(config: TrainConfig): number {
  const curve = mlxCurve(config);
  if (!curve) return 0;
  const updates = Number(config.steps);
  let largest = 0;
  for (let step = 0; step < updates; step++) {
    largest = Math.max(largest, Math.abs(mlxRate(curve, step) - scheduledRate(config, step, updates)));
  }
  return largest / config.learningRate;
}

function rate(config: TrainConfig): Equivalence {
  const apart = 100 * rateDifference(config);
  const warmup = Number(config.warmup);
  const shape = config.lrSchedule === "constant" ? "then level" : `then down to 0 as ${config.lrSchedule}`;
  return {
    what: "Learning rate",
    here: `From 0 to ${formatSetting(config.learningRate)} in ${warmup} updates, ${shape}.`,
    mlx:
      apart === 0
        ? "The same at every update. Schedules count updates, not iters."
        : `The same, but it begins to fall one update later: at most ${formatSetting(Number(apart.toPrecision(2)))} % of the peak apart. Schedules count updates, not iters.`,
    trl: "The same at every update: transformers' schedule is ours.",
  };
}

function optimizer({ beta1, beta2, eps, weightDecay }: TrainConfig): Equivalence {
  return {
    what: "Optimizer",
    here: `AdamW, β ${beta1} and ${beta2}, ε ${formatSetting(eps)}, decoupled weight decay ${formatSetting(weightDecay)} on the adapter, bias correction.`,
    mlx: "adamw with bias_correction: true in optimizer_config: mlx-lm leaves it off, and its first updates are then 3 to 6 times as large. adam has no weight decay. Its moments begin empty.",
    trl: "adamw_torch, which always corrects the bias. Its moments begin empty.",
  };
}

function clipping({ maxGradNorm }: TrainConfig): Equivalence {
  const here = maxGradNorm > 0 ? `Gradients are scaled down to a norm of ${formatSetting(maxGradNorm)}.` : "Off.";
  return {
    what: "Clipping",
    here,
    mlx: maxGradNorm > 0 ? "None: a bad batch goes through in full. Take a lower rate if the loss jumps." : "None.",
    trl: "max_grad_norm, the same.",
  };
}

const percent = (part: number, whole: number) => `${((100 * part) / Math.max(1, whole)).toFixed(1)} %`;

function masks(mlx: MlxJob, trl: TrlJob): Equivalence {
  const { ours } = mlx.data.train.masks;
  const asks = mlx.config.maskPrompt ? "Every answer that the data does not exclude" : "Every token";
  return {
    what: "Which tokens carry loss",
    here: `${asks}, with the token that ends its turn.`,
    mlx: `${mlx.data.masked ? "mask_prompt: the last message alone" : "Everything"}. ${maskWords(mlx.data.train)} Counted for ${formatCount(mlx.data.train.rows)} records, ${formatCount(ours)} tokens of ours.`,
    trl: `${TRL_MASKS[trl.data.form]} ${maskWords(trl.data.train)}`,
  };
}

const TRL_MASKS = {
  "prompt-completion": "prompt and completion: the completion alone (completion_only_loss).",
  messages: "messages: everything.",
  text: "text: everything.",
  tokens: "input_ids and labels, ours token by token, because no other form of TRL holds this mask.",
} as const;

function maskWords({ masks: { ours, missed, tail, extra, rendered } }: Written): string {
  const parts = [
    ...(missed > 0 ? [`${formatCount(missed)} of our tokens (${percent(missed, ours)}) carry none there`] : []),
    ...(extra > 0 ? [`${formatCount(extra)} others do`] : []),
    ...(tail > 0 ? [`${formatCount(tail)} that the template writes behind the answer do`] : []),
    ...(rendered > 0 ? [`${formatCount(rendered)} records come out as other tokens`] : []),
  ];
  return parts.length === 0 ? "The same tokens as here." : `${parts.join("; ")}.`;
}

/** What mlx-lm's batches add, which nobody asked for. */
function padding({ data }: MlxJob): Equivalence[] {
  if (data.train.rows === 0) return [];
  return [
    {
      what: "Padding",
      here: "None: records lie side by side.",
      mlx: "Up to a multiple of 32 with token 0, and the first padding token of each row carries loss: one wrong target a record, which shows most with short answers.",
      trl: "Up to the longest record, without loss.",
    },
  ];
}

function seeds({ seed, shuffle }: TrainConfig): Equivalence {
  return {
    what: "Seed and order",
    here: `Seed ${seed}; ${shuffle ? "records are drawn anew every epoch, those of like length together" : "the file's order"}.`,
    mlx: "The same number gives another order, other dropout and another start. Neighbours in the file stay together in a batch; only the batches are shuffled.",
    trl: `The same number gives another order, other dropout and another start. ${shuffle ? "Records are drawn anew every epoch." : "train_sampling_strategy: the file's order."}`,
  };
}

function validation(mlx: MlxJob, trl: TrlJob): Equivalence {
  const { stepsPerEval, patience, valBatches } = mlx.config;
  const measured = validates(mlx);
  const counted = valBatches < 0 ? "the whole set" : `${valBatches} micro-batches`;
  return {
    what: "Validation",
    here: measured
      ? `Every ${stepsPerEval} updates on ${counted}, as the mean over tokens; the best adapter is kept${patience > 0 ? `; ends after ${patience} measurements without a better one` : ""}.`
      : "None.",
    mlx: measured
      ? "steps_per_eval counts iters; it also measures at the first and the last; mean over tokens. The last adapter is kept, not the best, and nothing ends early."
      : "None: there is no valid.jsonl.",
    trl: measured
      ? `eval_steps; the mean of the batches' means, so a slightly different number. ${kept(trl.config.patience)}`
      : "None.",
  };
}

const kept = (patience: number) =>
  patience > 0
    ? "EarlyStoppingCallback ends it, load_best_model_at_end keeps the best; checkpoints are written as often."
    : "The last adapter is kept; load_best_model_at_end would keep the best.";

function precision({ checkpointing }: TrainConfig): Equivalence {
  const on = checkpointing === "on" || Number(checkpointing) > 0;
  return {
    what: "Numbers and memory",
    here: "Weights as they are stored, everything else in 32 bits.",
    mlx: `The adapter in 32 bits, everything else as the weights. grad_checkpoint: ${on}; true saves memory.`,
    trl: `The adapter in 32 bits, everything else in bf16 on a GPU that has it. gradient_checkpointing: ${on ? "True" : "False"}; True saves memory.`,
  };
}

function guard({ guard }: TrainConfig): Equivalence {
  return {
    what: "Guard",
    here: guard
      ? "A run that diverges is put back, with half the rate; losses that are not finite are skipped."
      : "Off.",
    mlx: "None: watch the loss, and stop it when it climbs or is nan.",
    trl: "None: watch the loss and grad_norm. logging_nan_inf_filter hides a loss that is not finite.",
  };
}

/** Records that a file does not have, and why, a line each. */
export function leftOutLines(name: string, { leftOut }: Written): string[] {
  return [...leftOut].map(([reason, lines]) => {
    const which = listed(lines.map(String));
    return `${name}: ${formatCount(lines.length)} left out: ${reason} (line ${which}).`;
  });
}
