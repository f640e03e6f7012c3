/**
 * The training loop: schedule → micro-batches → norm, clip, AdamW → report. The loss is never waited for inside a step:
 * reports come back through a ring a few updates later. What goes wrong meanwhile is the guard's.
 */

import type { Example } from "../data/encode.ts";
import type { Device } from "../gpu/device.ts";
import { type Advice, adviseOn, shouldStopEarly, type ValidationPoint } from "../health/progress.ts";
import type { Alarm } from "../health/trend.ts";
import type { AttachedLora } from "../lora/attach.ts";
import { describeTrainable } from "../lora/audit.ts";
import type { CausalLM } from "../models/model.ts";
import { type RunIdentity, type TrainState, writeCheckpoint } from "./checkpoint.ts";
import { scheduledRate, type TrainConfig, warmupCount } from "./config.ts";
import { evaluate } from "./evaluate.ts";
import type { DoneEvent, HealthEvent, StartEvent, StepEvent, TrainEvent, ValidationEvent } from "./events.ts";
import { type Anchor, Guard } from "./guard.ts";
import { describeEarlyStop, describeRollback, describeSkip, sentence } from "./guard-words.ts";
import { LiveState, type PlainState } from "./live-state.ts";
import type { Blocks } from "./memory-parts.ts";
import { FirstMoves, unmovedFactors } from "./moved.ts";
import { pausedUntil } from "./pause.ts";
import { planUpdates, type UpdatePlan } from "./schedule-plan.ts";
import { type PendingUpdate, Updates } from "./update.ts";

export interface TrainerInput {
  readonly device: Device;
  readonly model: CausalLM;
  readonly lora: AttachedLora;
  readonly config: TrainConfig;
  readonly train: readonly Example[];
  readonly valid: readonly Example[];
  readonly blocks: Blocks;
  /** Asked between updates: null to go on, or a pause that ends when the promise resolves. */
  gate(): Promise<void> | null;
  /** Sample answers with the adapter as it is now; `kept`: at the end, with that of this update, which is handed over. */
  probe?(step: number, kept: number | null): AsyncGenerator<TrainEvent>;
  readonly signal?: AbortSignal | undefined;
}

/** What the trainer knows of the end of a run; the session adds what it has looked after. */
export type TrainerDone = Omit<DoneEvent, "baseChanged" | "answers">;

/** Updates whose report may still be on its way. The very first is waited for: somebody is looking for a sign of life. */
const LAG = 2;

/** Updates between two looks at the whole course. */
const ADVISE_EVERY = 16;

export class Trainer {
  private readonly input: TrainerInput;
  private readonly plan: UpdatePlan;
  private readonly live: LiveState;
  private readonly updates: Updates;
  private readonly guard: Guard | null;
  private readonly moves: FirstMoves;
  private readonly identity: RunIdentity;
  private readonly pending: PendingUpdate[] = [];
  /** Of finite updates that were not taken back. */
  private losses: { step: number; loss: number; learningRate: number }[] = [];
  private validations: ValidationPoint[] = [];
  private readonly advised = new Set<Advice["kind"]>();
  /** Where the run began: the factors [P] and, for a resumed one, the optimizer's state. */
  private origin: PlainState & { readonly step: number } = EMPTY;
  private lastDone = 0;
  private best: TrainState["best"] = null;
  private applied = 0;
  private skipped = 0;
  private step = 0;
  private reported = 0;
  /** Put back to this update, and no update made since. */
  private standsAt: number | null = null;
  private endedEarly: DoneEvent["endedEarly"] = null;

  constructor(input: TrainerInput) {
    this.input = input;
    const { device, lora, config, train } = input;
    this.plan = planUpdates(
      train.map(({ ids }) => ids.length),
      config,
    );
    this.live = new LiveState(device, input.model, lora);
    this.updates = new Updates(input, this.live.optimizer);
    this.guard = config.guard ? new Guard(device, this.live.tensors) : null;
    this.moves = new FirstMoves(lora);
    const modules = lora.slots.map(({ path }) => path);
    this.identity = { config, examples: train.length, modules, size: lora.parameters.shape[0]! };
  }

  /** For `readCheckpoint`: what a checkpoint must agree with. */
  get runIdentity(): RunIdentity {
    return this.identity;
  }

  /** Goes on where a checkpoint stood. */
  restore(state: TrainState): void {
    this.live.write(state);
    this.origin = state;
    ({ step: this.step, applied: this.applied, skipped: this.skipped, best: this.best } = state);
    this.validations = [...state.validations];
    if (state.guard) this.guard?.restore(state.guard);
  }

  async *run(): AsyncGenerator<TrainEvent | TrainerDone> {
    const { config, signal, gate } = this.input;
    const { totalSteps } = this.plan;
    yield this.startEvent();
    if (this.origin === EMPTY) this.origin = { step: 0, applied: 0, parameters: await this.live.factors() };
    if (this.step === 0) yield* this.look(0);
    this.lastDone = performance.now();
    const lag = () => (this.reported === 0 ? 0 : LAG);
    while (this.step < totalSteps && !signal?.aborted && !this.endedEarly) {
      const pause = gate();
      if (pause) {
        yield* this.drain();
        // Whoever pauses may close the page: nothing may be lost by that.
        yield await this.save();
        await pausedUntil(pause, signal);
        this.lastDone = performance.now();
        continue;
      }
      this.pending.push(await this.submit());
      this.step += 1;
      this.standsAt = null;
      if (this.pending.length > lag()) yield* this.settle();
      const last = this.step === totalSteps;
      if (last) yield* this.drain();
      // Not what happens to have been reported, but what always has been: a pause must not change what is decided.
      yield* this.watch(last ? this.step : this.step - LAG);
      if (this.endedEarly) break;
      await this.guard?.keep(this.step);
      if (due(this.step, ADVISE_EVERY)) yield* this.advise();
      if (last || due(this.step, config.stepsPerEval) || due(this.step, config.stepsPerSample)) {
        yield* this.drain();
        yield* this.look(this.step, last);
      }
      if (!last && !this.endedEarly && due(this.step, config.saveEvery)) {
        yield* this.drain();
        yield await this.save();
      }
    }
    yield* this.drain();
    yield await this.save();
    yield* this.close();
  }

  free(): void {
    this.live.free();
    this.updates.free();
    this.guard?.free();
  }

  private startEvent(): StartEvent {
    const { lora, config, blocks } = this.input;
    const { totalSteps, updatesPerEpoch } = this.plan;
    return {
      ...{ type: "start", totalSteps, doneSteps: this.step, updatesPerEpoch },
      warmup: warmupCount(config, totalSteps),
      ...describeTrainable(lora.slots, { dora: lora.slots.some(({ magnitude }) => magnitude) }),
      blocks,
    };
  }

  private submit(): Promise<PendingUpdate> {
    const { config } = this.input;
    const rate = scheduledRate(config, this.step, this.plan.totalSteps) * (this.guard?.rateFactor ?? 1);
    return this.updates.submit(this.step, this.plan.at(this.step), rate, { readFactors: this.moves.due(rate) });
  }

  /** The oldest update's events. A GPU→CPU wait, for work submitted a few updates ago. */
  private async *settle(): AsyncGenerator<StepEvent | HealthEvent> {
    const pending = this.pending.shift()!;
    const { event, applied, at } = await this.updates.settle(pending);
    if (pending.factors && event.finite) {
      const moments = async () => (await this.live.moments()).m;
      await this.moves.take(this.origin.parameters, await pending.factors, moments);
    }
    this.applied = applied ?? this.applied;
    if (!event.finite) this.skipped += 1;
    else this.losses.push({ step: event.step, loss: event.loss, learningRate: event.learningRate });
    if (event.supervisedTokens > 0) this.guard?.note(event);
    const seconds = (at - this.lastDone) / 1000;
    this.lastDone = at;
    this.reported += 1;
    yield { ...event, seconds };
    if (!event.finite) yield describeSkip(event, this.step);
  }

  private async *drain(): AsyncGenerator<StepEvent | HealthEvent> {
    while (this.pending.length > 0) yield* this.settle();
  }

  /** Rolls back when the reports up to update `last` call for it. */
  private async *watch(last: number): AsyncGenerator<TrainEvent> {
    const alarm = this.guard?.examine(last);
    if (!alarm) return;
    yield* this.drain(); // their reports belong to the same stretch
    yield await this.rollBack(alarm);
    this.lastDone = performance.now();
  }

  private async rollBack(alarm: Alarm): Promise<HealthEvent> {
    const guard = this.guard!;
    const { origin, best } = this;
    const anchors: Anchor[] = [{ step: origin.step, restore: async () => this.live.write(origin) }];
    if (best) anchors.push({ step: best.step, restore: async () => this.live.write({ ...best, applied: 0 }) });
    const toStep = await guard.rollBack(alarm, anchors);
    this.applied = await this.live.applied();
    this.standsAt = toStep;
    // What was measured of weights that are gone decides nothing any more.
    this.losses = this.losses.filter((one) => one.step <= toStep);
    this.validations = this.validations.filter((one) => one.step <= toStep || one.step === best?.step);
    if (guard.exhausted) this.endedEarly = "gave-up";
    return describeRollback(alarm, this.step, toStep, guard, this.input.config.learningRate);
  }

  /** What does not justify a rollback, but a word: each once. */
  private *advise(): Generator<HealthEvent> {
    const advice = adviseOn(this.losses, this.validations, this.advised);
    if (!advice) return;
    this.advised.add(advice.kind);
    yield { type: "health", step: this.step, ...advice, text: sentence(advice.text) };
  }

  /** Validation loss and sample answers, whichever is due. */
  private async *look(step: number, last = false): AsyncGenerator<TrainEvent> {
    const { config, signal } = this.input;
    if (step === 0 || last || due(step, config.stepsPerEval)) yield* this.validate();
    const sampled = step === 0 || (!last && due(step, config.stepsPerSample));
    if (sampled && this.input.probe && !signal?.aborted) yield* this.input.probe(step, null);
    this.lastDone = performance.now();
  }

  private async *validate(): AsyncGenerator<ValidationEvent | HealthEvent> {
    const { device, model, config, valid, signal } = this.input;
    const { batchSize, valBatches, stepsPerEval, patience } = config;
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
    if (best) this.best = { step: this.step, loss, parameters: await this.live.factors() };
    const event = { type: "validation", step: this.step, loss, tokens, best } as const;
    this.validations.push(event);
    yield event;
    yield* this.advise();
    if (this.step < this.plan.totalSteps && shouldStopEarly(this.validations, patience)) {
      this.endedEarly = "early-stop";
      yield describeEarlyStop(this.step, patience, this.best);
    }
  }

  private async save(): Promise<TrainEvent> {
    const parameters = await this.live.factors();
    const { step, applied, skipped, best, validations } = this;
    const state = { step, applied, skipped, parameters, best, validations, guard: this.guard?.state() ?? null };
    const checkpoint = writeCheckpoint({ ...state, ...(await this.live.moments()) }, this.identity);
    this.lastDone = performance.now();
    return { type: "save", step, adapter: this.live.adapter(parameters), checkpoint };
  }

  /** The adapter to keep goes onto the model, answers the probes, and is handed over. */
  private async *close(): AsyncGenerator<TrainEvent | TrainerDone> {
    const { lora, signal, probe } = this.input;
    const { best, origin, step } = this;
    const parameters = best ? best.parameters : await this.live.factors();
    this.live.writeFactors(parameters);
    const chosenStep = best?.step ?? this.standsAt ?? step;
    if (probe && step > 0) yield* probe(step, chosenStep);
    const applied = this.appliedBetween(origin.step, chosenStep);
    yield {
      type: "done",
      steps: step,
      adapter: this.live.adapter(parameters),
      chosen: best ? "best" : "last",
      chosenStep,
      skippedUpdates: this.skipped,
      stopped: signal?.aborted ?? false,
      endedEarly: this.endedEarly,
      rollbacks: this.guard?.rollbacks ?? 0,
      unmoved: unmovedFactors(lora, origin.parameters, parameters, applied),
    };
  }

  /** Updates with a rate above 0 among those from `from` to `to` that were finite. */
  private appliedBetween(from: number, to: number): number {
    return this.losses.filter(({ step, learningRate }) => step > from && step <= to && learningRate > 0).length;
  }
}

const EMPTY = { step: 0, applied: 0, parameters: new Float32Array(0) };

const due = (step: number, every: number): boolean => every > 0 && step % every === 0;
