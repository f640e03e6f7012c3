/**
 * One optimizer update: recorded and submitted without waiting, and settled some updates later, when its report has come
 * through the ring.
 */

import { deviceError } from "../core/errors.ts";
import { type Batch, layFlat } from "../data/batches.ts";
import type { Example } from "../data/encode.ts";
import type { Device } from "../gpu/device.ts";
import { Program } from "../gpu/program.ts";
import { type Tensor, tensorBytes } from "../gpu/tensor.ts";
import type { AttachedLora } from "../lora/attach.ts";
import type { CausalLM } from "../models/model.ts";
import type { Adamw, UpdateReport } from "../optim/adamw.ts";
import type { TrainConfig } from "./config.ts";
import { sum } from "./evaluate.ts";
import type { StepEvent } from "./events.ts";
import type { Blocks } from "./memory-parts.ts";
import type { Update } from "./schedule-plan.ts";
import { recordMicroBatch } from "./step.ts";
import { positionsNeeded } from "./token-batch.ts";

export interface UpdateInput {
  readonly device: Device;
  readonly model: CausalLM;
  readonly lora: AttachedLora;
  readonly config: TrainConfig;
  readonly train: readonly Example[];
  readonly blocks: Blocks;
}

/** Submitted, not yet reported. */
export interface PendingUpdate {
  /** From 0. */
  readonly step: number;
  readonly epoch: number;
  readonly learningRate: number;
  readonly tokens: number;
  readonly supervisedTokens: number;
  readonly losses: readonly Promise<Float32Array>[];
  /** null: no token of the update carries loss, so nothing was submitted. */
  readonly report: Promise<TimedReport> | null;
  /** The factors after it, where they were asked for. */
  readonly factors: Promise<Float32Array> | null;
}

/** Reports may wait to be asked for; what counts is when they came. */
interface TimedReport extends UpdateReport {
  readonly at: number;
}

export interface SettledUpdate {
  readonly event: Omit<StepEvent, "seconds">;
  /** Updates the optimizer has applied; null where this one was not submitted. */
  readonly applied: number | null;
  /** performance.now() when its report came. */
  readonly at: number;
}

export class Updates {
  private readonly input: UpdateInput;
  private readonly optimizer: Adamw;
  /** Losses of several micro-batches side by side, for the finite check on the GPU. Grows to the largest update. */
  private collected: Tensor | null = null;
  private lastLoss = 0;

  constructor(input: UpdateInput, optimizer: Adamw) {
    this.input = input;
    this.optimizer = optimizer;
  }

  /** Records and submits one update; nothing is waited for but room in the submit queue. */
  async submit(
    step: number,
    { epoch, microBatches }: Update,
    learningRate: number,
    { readFactors }: { readonly readFactors: boolean },
  ): Promise<PendingUpdate> {
    const { device, model, lora, config, train, blocks } = this.input;
    const { recomputed } = blocks;
    const all = microBatches.map((indices) => this.layOut(indices, train));
    const batches = all.filter(({ rows }) => rows.length > 0);
    const supervisedTokens = batches.reduce((n, { rows }) => n + rows.length, 0);
    const tokens = all.reduce((n, { input_ids }) => n + input_ids.length, 0);
    const losses: Promise<Float32Array>[] = [];
    let report: Promise<TimedReport> | null = null;
    let factors: Promise<Float32Array> | null = null;
    const collected = batches.length > 1 ? this.collect(supervisedTokens) : null;
    let offset = 0;
    for (const [i, batch] of batches.entries()) {
      model.rope.ensure(device, positionsNeeded(batch.positions));
      lora.dropoutSeed = Math.imul(config.seed + 1, 0x85ebca6b) + step * config.gradAccumulationSteps + i;
      const program = new Program();
      if (i === 0) program.clear(lora.gradients!);
      const nll = recordMicroBatch(program, model, batch, { updateTokens: supervisedTokens, recomputed });
      losses.push(later(program.readFloats(nll)));
      if (collected) program.copy(nll, collected, offset);
      offset += tensorBytes(nll);
      if (i === batches.length - 1) {
        report = later(timed(this.optimizer.record(program, { ...config, learningRate }, collected ?? nll)));
        if (readFactors) factors = later(program.readFloats(lora.parameters));
      }
      await device.run(program);
    }
    return { step, epoch, learningRate, tokens, supervisedTokens, losses, report, factors };
  }

  /** What came of a submitted update. A GPU→CPU wait, for work submitted a few updates ago. */
  async settle({ losses, report, factors: _, step, ...facts }: PendingUpdate): Promise<SettledUpdate> {
    const told = { type: "step", step: step + 1, ...facts } as const;
    if (!report) {
      const nothing = { loss: Number.NaN, gradNorm: 0, finite: false };
      return { event: { ...told, ...nothing }, applied: null, at: performance.now() };
    }
    const nll = (await Promise.all(losses)).reduce((total, values) => total + sum(values), 0);
    const { gradNorm, finite, applied, at } = await report;
    const loss = nll / facts.supervisedTokens;
    if (loss === 0 && (gradNorm === 0 || this.lastLoss > SILENT_FALL)) throw silentDevice(step + 1);
    if (Number.isFinite(loss)) this.lastLoss = loss;
    return { event: { ...told, loss, gradNorm, finite: finite && Number.isFinite(loss) }, applied, at };
  }

  free(): void {
    if (this.collected) this.input.device.free(this.collected);
  }

  private layOut(indices: readonly number[], train: readonly Example[]): Batch {
    return layFlat(
      indices.map((i) => train[i]!),
      indices,
    );
  }

  /** Room for the losses of an update, f32 [S]. */
  private collect(count: number): Tensor {
    const { device } = this.input;
    if (this.collected && this.collected.shape[0]! < count) {
      device.free(this.collected);
      this.collected = null;
    }
    this.collected ??= device.allocate([count], "losses of an update");
    return { ...this.collected, shape: [count] };
  }
}

/** An overfitted model comes near a loss of exactly zero in steps; no update falls there from above this. */
const SILENT_FALL = 1e-3;

/** A GPU whose work is dropped without an error leaves zeros where results should be. */
function silentDevice(step: number) {
  return deviceError(
    `update ${step}: the loss is exactly zero: the GPU has stopped computing`,
    "Go on from the last checkpoint; other programs that use the GPU may have to be closed.",
    "device-lost",
  );
}

/** A result awaited some updates later. In a run that fails before, it fails too, and nobody asks for it again. */
function later<T>(result: Promise<T>): Promise<T> {
  result.catch(() => {});
  return result;
}

const timed = async (report: Promise<UpdateReport>): Promise<TimedReport> => ({
  ...(await report),
  at: performance.now(),
});
