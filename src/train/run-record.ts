/**
 * What is written down about a run, by the command line and the page alike: run.json for people and scripts, lines of
 * metrics.jsonl, and mlx-lm's keys for adapter_config.json.
 */
import type { JsonValue } from "../core/json.ts";
import type { DatasetReport } from "../data/encode.ts";
import type { Finding } from "../health/finding.ts";
import type { TrainConfig } from "./config.ts";
import type {
  DoneEvent,
  HealthEvent,
  ProbeEvent,
  SaveEvent,
  StartEvent,
  StepEvent,
  TrainEvent,
  ValidationEvent,
  VoiceEvent,
} from "./events.ts";
import type { ModelFacts } from "./facts.ts";
import { type Judged, judgeRun } from "./verdict.ts";
import type { Check } from "./verify.ts";

/** What has happened so far. */
export interface Course {
  findings: readonly Finding[];
  start: StartEvent | null;
  steps: StepEvent[];
  validations: ValidationEvent[];
  probes: ProbeEvent[];
  health: HealthEvent[];
  voice: VoiceEvent | null;
  done: DoneEvent | null;
  checks: Check[];
}

export const newCourse = (): Course => ({
  ...{ findings: [], start: null, steps: [], validations: [], probes: [], health: [] },
  ...{ voice: null, done: null, checks: [] },
});

/** As it comes, or as it was stored: of a save no more than that there was one. */
export type ToldEvent = TrainEvent | Pick<SaveEvent, "type" | "step">;

/** Writes an event down; a save leaves no trace in the course. */
export function noteEvent(course: Course, event: ToldEvent): void {
  switch (event.type) {
    case "preflight":
      course.findings = event.findings;
      return;
    case "start":
      course.start = event;
      return;
    case "step":
      course.steps.push(event);
      return;
    case "validation":
      course.validations.push(event);
      return;
    case "probe":
      course.probes.push(event);
      return;
    case "health":
      course.health.push(event);
      return;
    case "voice":
      course.voice = event;
      return;
    case "save":
      return;
    case "done":
      course.done = event;
  }
}

/** The verdict on a run that has ended and whose adapter was checked; null before. */
export function judgeCourse({ done, checks, validations, health }: Course): Judged | null {
  return done && checks.length > 0 ? judgeRun({ done, checks, validations, health }) : null;
}

/** What is known of a run beside its course. */
export interface RunDescription {
  readonly status: "running" | "paused" | "finished" | "stopped" | "failed";
  readonly began: Date;
  /** "lorikeet" and what it runs on. */
  readonly versions: Readonly<Record<string, string>>;
  /** `forms`: of its kernels, those chosen by measurement. */
  readonly device: { readonly name: string; readonly source: string | null; readonly forms: readonly string[] };
  readonly model: { readonly name: string } & ModelFacts;
  readonly config: TrainConfig;
  readonly resumed: { readonly kind: string; readonly from: string } | null;
  readonly train: NamedReport;
  readonly valid: NamedReport | null;
  /** Highest total on the device. */
  readonly peakBytes: number;
}

export interface NamedReport {
  /** The file. */
  readonly name: string;
  readonly report: DatasetReport;
}

/** run.json */
export function runRecord(run: RunDescription, course: Course): object {
  const { status, versions, device, model, config, resumed, train, valid } = run;
  const { start, done, validations, checks, steps, findings, health, voice } = course;
  const judged = judgeCourse(course);
  const best = validations.filter(({ best }) => best).at(-1);
  return {
    status,
    verdict: judged?.verdict ?? null,
    reason: judged?.reason ?? null,
    versions,
    began: run.began.toISOString(),
    ended: new Date().toISOString(),
    device,
    model,
    knobs: config,
    resumed,
    trainable: start && { layers: start.layers, tensors: start.tensors, parameters: start.parameters },
    plan: start && {
      updates: start.totalSteps,
      done_before: start.doneSteps,
      updates_per_epoch: start.updatesPerEpoch,
      warmup: start.warmup,
      blocks: start.blocks,
    },
    data: { train: dataOf(train), valid: valid && dataOf(valid) },
    peak_bytes: run.peakBytes,
    tokens: steps.reduce((sum, step) => sum + step.tokens, 0),
    supervised_tokens: steps.reduce((sum, step) => sum + step.supervisedTokens, 0),
    last: steps.length > 0 ? { step: steps.at(-1)!.step, loss: steps.at(-1)!.loss } : null,
    best: best ? { step: best.step, loss: best.loss } : null,
    validations: validations.map(({ step, loss, tokens }) => ({ step, loss, tokens })),
    updates: done?.steps ?? null,
    skipped_updates: done?.skippedUpdates ?? null,
    adapter: done && { chosen: done.chosen, step: done.chosenStep },
    ended_early: done?.endedEarly ?? null,
    rollbacks: done?.rollbacks ?? null,
    preflight: findings,
    health: health.map(({ type: _, ...event }) => event),
    answers: done?.answers ?? null,
    voice: voice && { questions: voice.questions, base: voice.base, tuned: voice.tuned },
    checks,
    verified: checks.length > 0 && checks.every(({ passed }) => passed),
  };
}

const dataOf = ({ name, report }: NamedReport) => ({ file: name, ...report });

/** In mlx-lm's own words, information only. The same for the same run, so without dates or the folder's name. */
export function adapterExtras(config: TrainConfig, data: string): Record<string, JsonValue> {
  return {
    data,
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

/** A line of metrics.jsonl, with its end. Numbers that are not finite become null: JSON has no other word. */
export function metricsLine({
  step,
  loss,
  gradNorm,
  learningRate,
  tokens,
  supervisedTokens,
  seconds,
}: StepEvent): string {
  const metrics = {
    ...{ step, loss, grad_norm: gradNorm, learning_rate: learningRate },
    ...{ tokens, supervised_tokens: supervisedTokens, seconds },
  };
  return `${JSON.stringify(metrics)}\n`;
}
