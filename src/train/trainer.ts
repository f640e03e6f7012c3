/**
 * The training loop: schedule → micro-batches → norm, clip, AdamW → report. The loss is never waited for inside a step:
 * reports come back through a ring a few updates later.
 */

import { layFlat } from "../data/batches.ts";
import type { Example } from "../data/encode.ts";
import { type Device, fetchFloats } from "../gpu/device.ts";
import { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Adapter } from "../lora/adapter.ts";
import { type AttachedLora, readFactors } from "../lora/attach.ts";
import { describeTrainable } from "../lora/audit.ts";
import type { CausalLM } from "../models/model.ts";
import { Adamw, type UpdateReport } from "../optim/adamw.ts";
import { type RunIdentity, type TrainState, writeCheckpoint } from "./checkpoint.ts";
import { scheduledRate, type TrainConfig, warmupCount } from "./config.ts";
import { evaluate, sum } from "./evaluate.ts";
import type { ProbeEvent, StepEvent, TrainEvent, ValidationEvent } from "./events.ts";
import { planUpdates, type UpdatePlan } from "./schedule-plan.ts";
import { recordMicroBatch } from "./step.ts";
import { positionsNeeded } from "./token-batch.ts";

export interface TrainerInput {
  readonly device: Device;
  readonly model: CausalLM;
  readonly lora: AttachedLora;
  readonly config: TrainConfig;
  readonly train: readonly Example[];
  readonly valid: readonly Example[];
  readonly checkpointing: boolean;
  /** Asked between updates: null to go on, or a pause that ends when the promise resolves. */
  gate(): Promise<void> | null;
  /** Sample answers with the adapter as it is now. */
  probe?(step: number): AsyncGenerator<ProbeEvent>;
  readonly signal?: AbortSignal | undefined;
}

/** Updates whose report may still be on its way. The very first is waited for: somebody is looking for a sign of life. */
const LAG = 2;

interface Pending {
  readonly step: number;
  readonly epoch: number;
  readonly learningRate: number;
  readonly tokens: number;
  readonly supervisedTokens: number;
  readonly losses: Promise<Float32Array>[];
  readonly report: Promise<TimedReport>;
}

/** Reports may wait to be asked for; what counts is when they came. */
interface TimedReport extends UpdateReport {
  readonly at: number;
}

const timed = async (report: Promise<UpdateReport>): Promise<TimedReport> => ({
  ...(await report),
  at: performance.now(),
});

export class Trainer {
  private readonly input: TrainerInput;
  private readonly plan: UpdatePlan;
  private readonly optimizer: Adamw;
  private readonly identity: RunIdentity;
  private readonly pending: Pending[] = [];
  private lastDone = 0;
  private best: TrainState["best"] = null;
  private applied = 0;
  private skipped = 0;
  private step = 0;
  private reported = 0;

  constructor(input: TrainerInput) {
    this.input = input;
    const { device, lora, config, train } = input;
    this.plan = planUpdates(
      train.map(({ ids }) => ids.length),
      config,
    );
    this.optimizer = new Adamw(device, lora.parameters, lora.gradients!);
    const modules = lora.slots.map(({ path }) => path);
    this.identity = { config, examples: train.length, modules, size: lora.parameters.shape[0]! };
  }

  /** For `readCheckpoint`: what a checkpoint must agree with. */
  get runIdentity(): RunIdentity {
    return this.identity;
  }

  /** Goes on where a checkpoint stood. */
  restore(state: TrainState): void {
    const { device, lora } = this.input;
    const upload = (tensor: Tensor, values: Float32Array) =>
      device.upload(tensor, new Uint8Array(values.slice().buffer));
    upload(lora.parameters, state.parameters);
    upload(this.optimizer.m, state.m);
    upload(this.optimizer.v, state.v);
    this.optimizer.setSteps(device, state.applied, state.skipped);
    this.step = state.step;
    this.applied = state.applied;
    this.skipped = state.skipped;
    this.best = state.best;
  }

  async *run(): AsyncGenerator<TrainEvent> {
    const { config, signal, gate } = this.input;
    yield this.startEvent();
    if (this.step === 0) yield* this.look(0);
    this.lastDone = performance.now();
    const lag = () => (this.reported === 0 ? 0 : LAG);
    while (this.step < this.plan.totalSteps && !signal?.aborted) {
      const pause = gate();
      if (pause) {
        yield* this.drain();
        // Whoever pauses may close the page: nothing may be lost by that.
        yield await this.save();
        await pausedUntil(pause, signal);
        this.lastDone = performance.now();
        continue;
      }
      this.pending.push(await this.submitUpdate(this.step));
      this.step += 1;
      if (this.pending.length > lag()) yield await this.settle();
      const last = this.step === this.plan.totalSteps;
      if (last || due(this.step, config.stepsPerEval) || due(this.step, config.stepsPerSample)) {
        yield* this.drain();
        yield* this.look(this.step, last);
      }
      if (!last && due(this.step, config.saveEvery)) {
        yield* this.drain();
        yield await this.save();
      }
    }
    yield* this.drain();
    yield await this.save();
    yield await this.done();
  }

  free(): void {
    this.optimizer.free(this.input.device);
  }

  private startEvent(): TrainEvent {
    const { lora, config, checkpointing } = this.input;
    const linears = lora.slots.map(({ linear }) => ({ in_features: linear.shape[1], out_features: linear.shape[0] }));
    const { totalSteps, updatesPerEpoch } = this.plan;
    return {
      type: "start",
      totalSteps,
      doneSteps: this.step,
      updatesPerEpoch,
      warmup: warmupCount(config, totalSteps),
      ...describeTrainable(linears, lora.rank),
      checkpointing,
    };
  }

  /** Records and submits one update; nothing is waited for but room in the submit queue. */
  private async submitUpdate(step: number): Promise<Pending> {
    const { device, model, lora, config, train, checkpointing } = this.input;
    const { epoch, microBatches } = this.plan.at(step);
    const batches = microBatches.map((indices) =>
      layFlat(
        indices.map((i) => train[i]!),
        indices,
      ),
    );
    const updateTokens = batches.reduce((n, { rows }) => n + rows.length, 0);
    const learningRate = scheduledRate(config, step, this.plan.totalSteps);
    const losses: Promise<Float32Array>[] = [];
    let report: Promise<TimedReport> | null = null;
    for (const [i, batch] of batches.entries()) {
      model.rope.ensure(device, positionsNeeded(batch.positions));
      lora.dropoutSeed = Math.imul(config.seed + 1, 0x85ebca6b) + step * config.gradAccumulationSteps + i;
      const program = new Program();
      if (i === 0) program.clear(lora.gradients!);
      losses.push(later(program.readFloats(recordMicroBatch(program, model, batch, { updateTokens, checkpointing }))));
      if (i === batches.length - 1) report = later(timed(this.optimizer.record(program, { ...config, learningRate })));
      await device.run(program);
    }
    const tokens = batches.reduce((n, { input_ids }) => n + input_ids.length, 0);
    return { step, epoch, learningRate, tokens, supervisedTokens: updateTokens, losses, report: report! };
  }

  /** The oldest update's event. A GPU→CPU wait, for work submitted a few updates ago. */
  private async settle(): Promise<StepEvent> {
    const { step, epoch, learningRate, tokens, supervisedTokens, losses, report } = this.pending.shift()!;
    const nll = (await Promise.all(losses)).reduce((total, values) => total + sum(values), 0);
    const { gradNorm, finite, applied, skipped, at } = await report;
    this.applied = applied;
    this.skipped = skipped;
    const seconds = (at - this.lastDone) / 1000;
    this.lastDone = at;
    this.reported += 1;
    const loss = nll / supervisedTokens;
    const ok = finite && Number.isFinite(loss);
    return {
      ...{ type: "step", step: step + 1, epoch, loss, gradNorm, finite: ok },
      ...{ learningRate, tokens, supervisedTokens, seconds },
    };
  }

  private async *drain(): AsyncGenerator<StepEvent> {
    while (this.pending.length > 0) yield await this.settle();
  }

  /** Validation loss and sample answers, whichever is due. */
  private async *look(step: number, last = false): AsyncGenerator<TrainEvent> {
    const { config, signal } = this.input;
    if (step === 0 || last || due(step, config.stepsPerEval)) yield* this.validate();
    const sampled = config.stepsPerSample > 0 && (step === 0 || last || due(step, config.stepsPerSample));
    if (sampled && this.input.probe && !signal?.aborted) yield* this.input.probe(step);
    this.lastDone = performance.now();
  }

  private async *validate(): AsyncGenerator<ValidationEvent> {
    const { device, model, lora, config, valid, signal } = this.input;
    const { batchSize, valBatches, stepsPerEval } = config;
    if (valid.length === 0 || valBatches === 0 || stepsPerEval === 0) return;
    // Always the same examples, so that the numbers can be compared.
    const examples = valBatches < 0 ? valid : valid.slice(0, valBatches * batchSize);
    const measured = await evaluate(device, model, examples, { batchSize, signal }).catch((error) => {
      if (signal?.aborted) return null; // a stop is no failure: what was trained is still saved
      throw error;
    });
    if (!measured) return;
    const { loss, tokens } = measured;
    // Before the first update there is nothing to keep: the number is what the run starts from.
    const best = this.step > 0 && loss < (this.best?.loss ?? Number.POSITIVE_INFINITY);
    if (best) this.best = { step: this.step, loss, parameters: await this.read(lora.parameters) };
    yield { type: "validation", step: this.step, loss, tokens, best };
  }

  private async save(): Promise<TrainEvent> {
    const { lora } = this.input;
    const parameters = await this.read(lora.parameters);
    const { step, applied, skipped, best } = this;
    const state = { step, applied, skipped, parameters, best };
    const moments = { m: await this.read(this.optimizer.m), v: await this.read(this.optimizer.v) };
    const checkpoint = writeCheckpoint({ ...state, ...moments }, this.identity);
    this.lastDone = performance.now();
    return { type: "save", step, adapter: this.adapter(parameters), checkpoint };
  }

  private async done(): Promise<TrainEvent> {
    const { lora, signal } = this.input;
    const { best } = this;
    const parameters = best ? best.parameters : await this.read(lora.parameters);
    return {
      type: "done",
      steps: this.step,
      adapter: this.adapter(parameters),
      chosen: best ? "best" : "last",
      chosenStep: best ? best.step : this.step,
      skippedUpdates: this.skipped,
      stopped: signal?.aborted ?? false,
    };
  }

  private adapter(parameters: Float32Array): Adapter {
    const { lora, model } = this.input;
    return {
      rank: lora.rank,
      alpha: lora.alpha,
      scale: lora.scale,
      dropout: lora.dropout,
      use_rslora: false,
      num_hidden_layers: model.config.num_hidden_layers,
      factors: readFactors(lora, parameters),
    };
  }

  /** A GPU→CPU wait; only between updates. */
  private read(tensor: Tensor): Promise<Float32Array> {
    return fetchFloats(this.input.device, new Program(), tensor);
  }
}

/** A result awaited some updates later. In a run that fails before, it fails too, and nobody asks for it again. */
function later<T>(result: Promise<T>): Promise<T> {
  result.catch(() => {});
  return result;
}

/** Until `pause` ends or the run is stopped. */
async function pausedUntil(pause: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return pause;
  if (signal.aborted) return;
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  signal.addEventListener("abort", stop);
  await Promise.race([pause, stopped]);
  signal.removeEventListener("abort", stop);
}

const due = (step: number, every: number): boolean => every > 0 && step % every === 0;
