export interface AdamwState {
  readonly parameters: Float64Array;
  readonly m: Float64Array;
  readonly v: Float64Array;
  /** Updates applied. */
  t: number;
  /** Updates left out because of a gradient that was not finite. */
  skipped: number;
}

export interface AdamwOptions {
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Global norm to clip at; 0 = off. */
  readonly maxGradNorm: number;
}

/**
 * One update in place, as torch.nn.utils.clip_grad_norm_ and torch.optim.AdamW make it:
 *   g ← g·min(1, max/(‖g‖ + 1e−6))   p ← p·(1 − lr·wd)
 *   m ← β1·m + (1 − β1)·g   v ← β2·v + (1 − β2)·g²   p ← p − lr·(m/(1 − β1ᵗ)) / (√(v/(1 − β2ᵗ)) + eps)
 * Returns the norm before clipping.
 */
export function adamwStep(state: AdamwState, gradients: Float64Array, options: AdamwOptions): number {
  const { learningRate, weightDecay, beta1, beta2, eps, maxGradNorm } = options;
  const norm = Math.sqrt(gradients.reduce((sum, g) => sum + g * g, 0));
  if (!Number.isFinite(norm)) {
    state.skipped += 1;
    return norm;
  }
  const clip = maxGradNorm > 0 ? Math.min(1, maxGradNorm / (norm + 1e-6)) : 1;
  state.t += 1;
  const { parameters, m, v, t } = state;
  for (const [i, gradient] of gradients.entries()) {
    const g = gradient * clip;
    m[i] = beta1 * m[i]! + (1 - beta1) * g;
    v[i] = beta2 * v[i]! + (1 - beta2) * g * g;
    const mHat = m[i]! / (1 - beta1 ** t);
    const vHat = v[i]! / (1 - beta2 ** t);
    parameters[i] = parameters[i]! * (1 - learningRate * weightDecay) - (learningRate * mHat) / (Math.sqrt(vHat) + eps);
  }
  return norm;
}
