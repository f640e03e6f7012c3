/** AdamW over a flat buffer: its moments and counters on the device, and the update as three recorded dispatches. */
import type { Device } from "../gpu/device.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { ADAMW_STATE, type AdamwSettings, recordAdamw } from "../ops/adamw.ts";

export class Adamw {
  /** First and second moments, f32 [P]. */
  readonly m: Tensor;
  readonly v: Tensor;
  private readonly parameters: Tensor;
  private readonly gradients: Tensor;
  /** Counters and the last norm, f32 [8]. */
  readonly state: Tensor;

  constructor(device: Device, parameters: Tensor, gradients: Tensor) {
    this.parameters = parameters;
    this.gradients = gradients;
    this.m = device.allocate(parameters.shape, "adamw.m");
    this.v = device.allocate(parameters.shape, "adamw.v");
    this.state = device.allocate([ADAMW_STATE], "adamw.state");
  }

  /**
   * Norm, clipping and update. `losses` [S]: those of the update; one that is not finite, in them or in the gradients, and
   * nothing is written. The report is read back through the ring: await it some steps later.
   */
  record(program: Program, settings: AdamwSettings, losses: Tensor | null = null): Promise<UpdateReport> {
    const { parameters, gradients, m, v, state } = this;
    recordAdamw(program, { parameters, gradients, m, v, state, losses }, settings);
    return program.readFloats(state).then(readReport);
  }

  /** Sets the number of updates applied, when resuming. */
  setSteps(device: Device, applied: number, skipped: number): void {
    const values = new Float32Array(ADAMW_STATE);
    values[3] = applied;
    values[4] = skipped;
    device.upload(this.state, new Uint8Array(values.buffer));
  }

  /** Updates applied, from the values of `state`. */
  appliedIn(state: Float32Array): number {
    return readReport(state).applied;
  }

  free(device: Device): void {
    for (const tensor of [this.m, this.v, this.state]) device.free(tensor);
  }
}

export interface UpdateReport {
  /** Global gradient norm before clipping. */
  readonly gradNorm: number;
  /** False when the gradient or a loss was not finite: the update was skipped. */
  readonly finite: boolean;
  readonly applied: number;
  readonly skipped: number;
}

const readReport = (state: Float32Array): UpdateReport => ({
  gradNorm: state[0]!,
  finite: state[2] === 1,
  applied: state[3]!,
  skipped: state[4]!,
});
