/** What a run changes, as it lies on the device: the factors, AdamW's moments and its counters. All [P], one layout. */
import { type Device, fetchFloats } from "../gpu/device.ts";
import { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Adapter } from "../lora/adapter.ts";
import { type AttachedLora, adapterOf } from "../lora/attach.ts";
import type { CausalLM } from "../models/model.ts";
import { Adamw } from "../optim/adamw.ts";

/** A state as plain numbers. Moments that are not given are zero. */
export interface PlainState {
  readonly parameters: Float32Array;
  readonly m?: Float32Array;
  readonly v?: Float32Array;
  /** Updates the optimizer has applied and skipped. */
  readonly applied: number;
  readonly skipped?: number;
}

export class LiveState {
  readonly optimizer: Adamw;
  private readonly device: Device;
  private readonly model: CausalLM;
  private readonly lora: AttachedLora;

  constructor(device: Device, model: CausalLM, lora: AttachedLora) {
    this.device = device;
    this.model = model;
    this.lora = lora;
    this.optimizer = new Adamw(device, lora.parameters, lora.gradients!);
  }

  /** The resident tensors that make the state. */
  get tensors(): readonly Tensor[] {
    const { m, v, state } = this.optimizer;
    return [this.lora.parameters, m, v, state];
  }

  /** A GPU→CPU wait, as all that reads; only between updates. */
  factors(): Promise<Float32Array> {
    return this.read(this.lora.parameters);
  }

  async moments(): Promise<{ m: Float32Array; v: Float32Array }> {
    return { m: await this.read(this.optimizer.m), v: await this.read(this.optimizer.v) };
  }

  /** Updates the optimizer has applied. */
  async applied(): Promise<number> {
    return this.optimizer.appliedIn(await this.read(this.optimizer.state));
  }

  write({ parameters, m, v, applied, skipped = 0 }: PlainState): void {
    const zeros = new Float32Array(parameters.length);
    this.writeFactors(parameters);
    this.upload(this.optimizer.m, m ?? zeros);
    this.upload(this.optimizer.v, v ?? zeros);
    this.optimizer.setSteps(this.device, applied, skipped);
  }

  writeFactors(parameters: Float32Array): void {
    this.upload(this.lora.parameters, parameters);
  }

  /** These factors as an adapter, free of the layout. */
  adapter(parameters: Float32Array): Adapter {
    return adapterOf(this.lora, this.model.config, parameters);
  }

  free(): void {
    this.optimizer.free(this.device);
  }

  private read(tensor: Tensor): Promise<Float32Array> {
    return fetchFloats(this.device, new Program(), tensor);
  }

  private upload(tensor: Tensor, values: Float32Array): void {
    this.device.upload(tensor, new Uint8Array(values.slice().buffer));
  }
}
