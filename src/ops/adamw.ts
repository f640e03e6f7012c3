/**
 * Global gradient norm, clipping, the non-finite check and AdamW (Loshchilov and Hutter 2019,
 * https://arxiv.org/abs/1711.05101) over one flat buffer: three dispatches, whatever the model.
 */
import { elementCount } from "../core/dtype.ts";
import { ceilDiv, type Kernel } from "../gpu/kernel.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { flatGrid, vec4Count } from "./shapes.ts";

const params = {
  count: "u32",
  groups: "u32",
  learning_rate: "f32",
  weight_decay: "f32",
  beta1: "f32",
  beta2: "f32",
  log_beta1: "f32",
  log_beta2: "f32",
  eps: "f32",
  max_norm: "f32",
  losses: "u32",
} as const;

export const adamwPartialNorm: Kernel = {
  stem: "adamw",
  entry: "partial_norm",
  inputs: ["gradients", "losses"],
  outputs: ["partials"],
  params,
  constants: [],
  include: ["reduce"],
  grid: ({ groups = 0 }) => [groups, 1, 1],
  flops: ({ count = 0 }) => 8 * count,
};

export const adamwTotalNorm: Kernel = {
  ...adamwPartialNorm,
  entry: "total_norm",
  inputs: ["partials"],
  outputs: ["state"],
  grid: () => [1, 1, 1],
  flops: ({ groups = 0 }) => groups,
};

export const adamwUpdate: Kernel = {
  ...adamwPartialNorm,
  entry: "update",
  inputs: ["gradients", "state"],
  outputs: ["parameters", "m", "v"],
  grid: flatGrid,
  flops: ({ count = 0 }) => 60 * count,
};

/** Workgroups of the norm's first pass; more would not help, fewer would idle. */
const MAX_GROUPS = 256;
const GROUP_SIZE = 128;

/** Elements of the optimizer's state tensor; the shader's header says what they are. */
export const ADAMW_STATE = 8;

export interface AdamwSettings {
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Global norm to clip at; 0 leaves gradients as they are. */
  readonly maxGradNorm: number;
}

export interface AdamwTensors {
  /** All f32 [P], P a multiple of 4. */
  readonly parameters: Tensor;
  readonly gradients: Tensor;
  readonly m: Tensor;
  readonly v: Tensor;
  /** f32 [S]: losses of the update, which must be finite too; null: only gradients are looked at. */
  readonly losses?: Tensor | null;
  /** f32 [8]: norm, clip factor, finite, updates applied, updates skipped. */
  readonly state: Tensor;
}

/** One update; a gradient or loss that is not finite leaves everything as it was and counts as skipped. */
export function recordAdamw(program: Program, tensors: AdamwTensors, settings: AdamwSettings): void {
  const { parameters, gradients, m, v, state, losses = null } = tensors;
  const count = vec4Count(parameters);
  const groups = Math.min(MAX_GROUPS, ceilDiv(count, GROUP_SIZE));
  const values = {
    count,
    groups,
    learning_rate: settings.learningRate,
    weight_decay: settings.weightDecay,
    beta1: settings.beta1,
    beta2: settings.beta2,
    log_beta1: Math.max(-80, Math.log(settings.beta1)),
    log_beta2: Math.max(-80, Math.log(settings.beta2)),
    eps: settings.eps,
    max_norm: settings.maxGradNorm,
    losses: losses ? elementCount(losses.shape) : 0,
  };
  const partials = program.tensor([groups, 2], "adamw.partials");
  const request = { constants: {}, params: values };
  program.dispatch(adamwPartialNorm, { ...request, inputs: [gradients, losses], outputs: [partials] });
  program.dispatch(adamwTotalNorm, { ...request, inputs: [partials], outputs: [state] });
  program.dispatch(adamwUpdate, { ...request, inputs: [gradients, state], outputs: [parameters, m, v] });
}
