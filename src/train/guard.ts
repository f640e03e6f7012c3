/**
 * The guard of a run. It watches loss and gradient norm as they are reported, keeps good states in a ring on the GPU, and
 * puts a run that diverges back to the newest state from before, with half the learning rate. What it decides depends on
 * the numbers and the update alone, never on when a report happened to arrive: reruns are bit-identical.
 */
import type { JsonValue } from "../core/json.ts";
import type { Device } from "../gpu/device.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { type Alarm, TrendWatch, type UpdateFacts } from "../health/trend.ts";
import { SnapshotRing } from "./snapshots.ts";

/** Updates between two snapshots: a copy of the adapter's state costs nothing next to eight updates. */
const KEEP_EVERY = 8;
/** A run that diverges once more after so many rollbacks ends. */
const MOST_ROLLBACKS = 3;
/** The update at the onset showed the loss of the weights before it: those of the update before are no longer trusted. */
const BEFORE_ONSET = 2;

/** For the checkpoint. */
export interface GuardState {
  readonly rateFactor: number;
  readonly rollbacks: number;
  readonly watch: JsonValue;
  /** Reported, but not yet examined. */
  readonly waiting: readonly UpdateFacts[];
}

/** A state outside the ring that a run can be put back to. */
export interface Anchor {
  /** Updates behind it. */
  readonly step: number;
  restore(): Promise<void>;
}

export class Guard {
  /** What the schedule's rate is multiplied with. */
  rateFactor = 1;
  rollbacks = 0;
  private watch = new TrendWatch();
  private waiting: UpdateFacts[] = [];
  private readonly ring: SnapshotRing;

  /** `live`: the resident tensors that make the state of a run. */
  constructor(device: Device, live: readonly Tensor[]) {
    this.ring = new SnapshotRing(device, live);
  }

  /** An update's report, in the order of the updates. */
  note(update: UpdateFacts): void {
    this.waiting.push(update);
  }

  /** Looks at the reports up to update `last`; the alarm they give, if any. */
  examine(last: number): Alarm | null {
    while (this.waiting.length > 0 && this.waiting[0]!.step <= last) {
      const alarm = this.watch.add(this.waiting.shift()!);
      if (alarm) return alarm;
    }
    return null;
  }

  /** Keeps the state after `step` updates when one is due and nothing looks wrong. */
  async keep(step: number): Promise<void> {
    if (step % KEEP_EVERY === 0 && this.watch.calm) await this.ring.keep(step);
  }

  /**
   * Puts the run back to the newest state from before the alarm, of the ring or of `anchors`, of which one must be the
   * state the run began with, and halves the rate. Returns the updates behind that state.
   */
  async rollBack({ onset }: Alarm, anchors: readonly Anchor[]): Promise<number> {
    const latest = onset - BEFORE_ONSET;
    const first = Math.min(...anchors.map(({ step }) => step));
    const anchor = anchors
      .filter(({ step }) => step <= latest || step === first)
      .reduce((newest, one) => (one.step > newest.step ? one : newest));
    const kept = this.ring.newest(latest);
    const toStep = kept !== null && kept >= anchor.step ? kept : anchor.step;
    if (toStep === kept) await this.ring.restore(kept);
    else await anchor.restore();
    this.ring.forgetAfter(toStep);
    this.rateFactor /= 2;
    this.rollbacks += 1;
    this.waiting = [];
    this.watch.afterRollback(toStep, onset);
    return toStep;
  }

  /** The last rollback was one too many: the run should end. */
  get exhausted(): boolean {
    return this.rollbacks > MOST_ROLLBACKS;
  }

  state(): GuardState {
    const { rateFactor, rollbacks, waiting } = this;
    return { rateFactor, rollbacks, waiting, watch: this.watch.state() };
  }

  restore({ rateFactor, rollbacks, waiting, watch }: GuardState): void {
    this.rateFactor = rateFactor;
    this.rollbacks = rollbacks;
    this.waiting = [...waiting];
    this.watch = TrendWatch.restore(watch);
  }

  free(): void {
    this.ring.free();
  }
}
