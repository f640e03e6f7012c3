/**
 * A ring of good states on the GPU: factors, both moments and the optimizer's counters, copied without a readback. What a
 * run that diverges is put back to. Two are enough: one may turn out to be too young.
 */
import type { Device } from "../gpu/device.ts";
import { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";

const SLOTS = 2;

interface Snapshot {
  /** Updates behind it; null: empty. */
  step: number | null;
  readonly copies: readonly Tensor[];
}

export class SnapshotRing {
  private readonly device: Device;
  private readonly live: readonly Tensor[];
  private readonly slots: Snapshot[];

  /** `live`: the resident tensors that make the state. The ring's memory is taken now, so that the dry run sees it. */
  constructor(device: Device, live: readonly Tensor[]) {
    this.device = device;
    this.live = live;
    this.slots = Array.from({ length: SLOTS }, () => ({
      step: null,
      copies: live.map((tensor) => device.allocate(tensor.shape, "snapshot")),
    }));
  }

  /** Keeps the state after `step` updates, in place of the oldest. */
  async keep(step: number): Promise<void> {
    const slot = this.slots.reduce((oldest, one) => ((one.step ?? -1) < (oldest.step ?? -1) ? one : oldest));
    await this.copy(this.live, slot.copies);
    slot.step = step;
  }

  /** The newest state kept at or before `step`; null without one. */
  newest(step: number): number | null {
    const steps = this.slots.flatMap((slot) => (slot.step !== null && slot.step <= step ? slot.step : []));
    return steps.length > 0 ? Math.max(...steps) : null;
  }

  /** Puts back what was kept after `step` updates, and forgets what is younger. */
  async restore(step: number): Promise<void> {
    await this.copy(this.slots.find((slot) => slot.step === step)!.copies, this.live);
    this.forgetAfter(step);
  }

  forgetAfter(step: number): void {
    for (const slot of this.slots) if (slot.step !== null && slot.step > step) slot.step = null;
  }

  free(): void {
    for (const tensor of this.slots.flatMap(({ copies }) => copies)) this.device.free(tensor);
  }

  private async copy(from: readonly Tensor[], to: readonly Tensor[]): Promise<void> {
    const program = new Program();
    for (const [i, tensor] of from.entries()) program.copy(tensor, to[i]!);
    await this.device.run(program);
  }
}
