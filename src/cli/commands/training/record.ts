/** What is written down about a run: run.json for people and scripts, and mlx-lm's keys for adapter_config.json. */
import type { JsonValue } from "../../../core/json.ts";
import type { TrainConfig } from "../../../train/config.ts";
import { modelFacts } from "../../../train/facts.ts";
import { packageVersion } from "../../node/package.ts";
import type { Course } from "./execute.ts";
import type { NamedDataset, PreparedRun } from "./prepare.ts";

/** In mlx-lm's own words, information only. The same for the same run, so without dates or the folder's name. */
export function adapterExtras({ request }: PreparedRun): Record<string, JsonValue> {
  const { config } = request;
  return {
    data: request.data,
    batch_size: config.batchSize,
    grad_accumulation_steps: config.gradAccumulationSteps,
    learning_rate: config.learningRate,
    mask_prompt: config.maskPrompt,
    max_seq_length: config.maxSeqLength,
    optimizer: "adamw",
    optimizer_config: { adamw: optimizerOf(config) },
    seed: config.seed,
  };
}

const optimizerOf = ({ beta1, beta2, eps, weightDecay }: TrainConfig) => ({
  betas: [beta1, beta2],
  eps,
  weight_decay: weightDecay,
  bias_correction: true,
});

interface Moment {
  /** "finished", "stopped" (by Ctrl-C) or "failed" */
  readonly status: string;
  readonly began: Date;
}

/** run.json */
export function runRecord(run: PreparedRun, course: Course, { status, began }: Moment): object {
  const { session, request, train, valid } = run;
  const { start, done, validations, checks, steps } = course;
  const { family, blocks, parameters, element, bytes } = modelFacts(session.model);
  const best = validations.filter(({ best }) => best).at(-1);
  return {
    status,
    versions: { lorikeet: packageVersion(), node: process.versions.node },
    began: began.toISOString(),
    ended: new Date().toISOString(),
    device: { name: session.device.name, source: process.env.LORIKEET_ADAPTER ?? null },
    model: { name: run.name, family, blocks, parameters, element, bytes },
    knobs: request.config,
    resumed: request.origin.kind === "fresh" ? null : { kind: request.origin.kind, from: request.origin.path },
    trainable: start && { layers: start.layers, tensors: start.tensors, parameters: start.parameters },
    plan: start && {
      updates: start.totalSteps,
      done_before: start.doneSteps,
      updates_per_epoch: start.updatesPerEpoch,
      warmup: start.warmup,
      checkpointing: start.checkpointing,
    },
    data: { train: dataOf(train), valid: valid && dataOf(valid) },
    peak_bytes: session.device.memory.peak,
    tokens: steps.reduce((sum, step) => sum + step.tokens, 0),
    supervised_tokens: steps.reduce((sum, step) => sum + step.supervisedTokens, 0),
    last: steps.length > 0 ? { step: steps.at(-1)!.step, loss: steps.at(-1)!.loss } : null,
    best: best ? { step: best.step, loss: best.loss } : null,
    validations: validations.map(({ step, loss, tokens }) => ({ step, loss, tokens })),
    updates: done?.steps ?? null,
    skipped_updates: done?.skippedUpdates ?? null,
    adapter: done && { chosen: done.chosen, step: done.chosenStep },
    checks,
    verified: checks.length > 0 && checks.every(({ passed }) => passed),
  };
}

const dataOf = ({ name, report }: NamedDataset) => ({ file: name, ...report });
