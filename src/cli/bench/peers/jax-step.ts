/** The bench's training step in jax-js: `jit` around loss, gradients, clipping and AdamW. */
import { readFactors } from "../../../lora/attach.ts";
import { ropeFrequencies } from "../../../models/rope-frequencies.ts";
import type { StepRun, StepSize } from "../step-run.ts";
import type { Jax, JaxArray } from "./jax.ts";
import { type Adapters, type Data, jaxLoss, type Weights } from "./jax-model.ts";

type Rates = { rate: JaxArray; correct1: JaxArray; correct2: JaxArray };
type Updated = { loss: JaxArray; adapters: Adapters; m: Adapters; v: Adapters };

/** A masked score, as in the engine. */
const MASKED = -1e30;

export interface JaxStep {
  /** One whole update; returns the loss before it. */
  step(): Promise<number>;
  free(): void;
}

/** Begins where `run` does: the same weights, batch and settings, and factors of `parameters`, the values of its own. */
export function openJaxStep(jax: Jax, size: StepSize, run: StepRun, parameters: Float32Array): JaxStep {
  const { numpy: np, tree } = jax;
  const { config, lora } = run;
  const weights: Weights = {};
  for (const [path, { shape, values }] of run.weights) weights[path] = np.array(values).reshape([...shape]);
  let adapters: Adapters = {};
  for (const { module, rank, in_features, out_features, A, B } of readFactors(lora, parameters)) {
    adapters[module] = {
      A: np.array(A).reshape([rank, in_features]),
      B: np.array(B).reshape([out_features, rank]),
    };
  }
  const zeros = (): Adapters => tree.map((one: JaxArray) => np.zeros(one.shape), adapters) as Adapters;
  let [m, v] = [zeros(), zeros()];
  const data = dataOf(jax, size, run);
  const update = jax.jit(updateOf(jax, size, run));
  let steps = 0;

  return {
    async step() {
      steps += 1;
      const rates: Rates = {
        rate: np.array(config.learningRate),
        correct1: np.array(1 - config.beta1 ** steps),
        correct2: np.array(1 - config.beta2 ** steps),
      };
      const updated: Updated = update(adapters, m, v, rates, tree.ref(weights), tree.ref(data));
      ({ adapters, m, v } = updated);
      return (await updated.loss.data())[0]!;
    },
    free() {
      update.dispose();
      for (const own of [adapters, m, v, weights, data]) tree.dispose(own);
    },
  };
}

function updateOf(jax: Jax, size: StepSize, { config, lora }: StepRun) {
  const { numpy: np, tree } = jax;
  const { beta1, beta2, eps, weightDecay, maxGradNorm } = config;
  const lossOf = jax.valueAndGrad(jaxLoss(jax, size, lora.slots[0]!.scale));

  return (adapters: Adapters, m: Adapters, v: Adapters, rates: Rates, weights: Weights, data: Data): Updated => {
    const [loss, gradients] = lossOf(tree.ref(adapters), weights, data) as unknown as [JaxArray, Adapters];
    const squares = tree.leaves<JaxArray>(tree.ref(gradients)).map((one) => np.sum(np.square(one)));
    const norm = np.sqrt(squares.reduce((sum, one) => sum.add(one)));
    // torch.nn.utils.clip_grad_norm_
    const clip = np.minimum(1, np.array(maxGradNorm).div(norm.add(1e-6)));

    const adamw = (p: JaxArray, g: JaxArray, m: JaxArray, v: JaxArray) => {
      const clipped = g.mul(clip.ref);
      const m1 = m.mul(beta1).add(clipped.ref.mul(1 - beta1));
      const v1 = v.mul(beta2).add(np.square(clipped).mul(1 - beta2));
      const root = np.sqrt(v1.ref.div(rates.correct2.ref)).add(eps);
      const direction = m1.ref.div(rates.correct1.ref).div(root).add(p.ref.mul(weightDecay));
      return { p: p.sub(direction.mul(rates.rate.ref)), m: m1, v: v1 };
    };
    const updated: Updated = { loss, adapters: {}, m: {}, v: {} };
    for (const [path, { A, B }] of Object.entries(adapters)) {
      const [a, b] = [
        adamw(A, gradients[path]!.A, m[path]!.A, v[path]!.A),
        adamw(B, gradients[path]!.B, m[path]!.B, v[path]!.B),
      ];
      updated.adapters[path] = { A: a.p, B: b.p };
      updated.m[path] = { A: a.m, B: b.m };
      updated.v[path] = { A: a.v, B: b.v };
    }
    clip.dispose();
    tree.dispose(rates);
    return updated;
  };
}

/** The batch of `run`, whose rows are all equally long and wholly supervised, and what is the same in every step. */
function dataOf({ numpy: np }: Jax, { model, rows: R, tokens: T }: StepSize, { batch }: StepRun): Data {
  const { vocab_size: V, head_dim: D } = model;
  const onehot = new Float32Array(batch.targets.length * V);
  for (const [i, target] of batch.targets.entries()) onehot[i * V + target] = 1;
  const frequencies = ropeFrequencies(model.rope, D);
  const turns = (of: (angle: number) => number) =>
    np
      .array(
        Float32Array.from({ length: (T * D) / 2 }, (_, i) => {
          const position = Math.floor(i / (D / 2));
          return of(Math.fround(position * frequencies[i % (D / 2)]!));
        }),
      )
      .reshape([1, T, 1, D / 2]);
  const mask = Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? MASKED : 0));
  return {
    ids: np.array(Int32Array.from(batch.input_ids)).reshape([R, T]),
    onehot: np.array(onehot).reshape([batch.targets.length, V]),
    cos: turns(Math.cos),
    sin: turns(Math.sin),
    mask: np.array(mask).reshape([1, 1, 1, T, T]),
  };
}
