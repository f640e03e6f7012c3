/**
 * The bench's llama as somebody would write it in jax-js, with LoRA on all seven linears and the mean loss over the
 * supervised tokens. The batch has an axis of its own, since all rows are equally long.
 * jax-js counts references: a function takes over its arguments, and `.ref` keeps one for later.
 */
import type { StepSize } from "../step-run.ts";
import type { Jax, JaxArray } from "./jax.ts";

export type Factors = { A: JaxArray; B: JaxArray };
/** By the path of the module. */
export type Adapters = { [path: string]: Factors };
export type Weights = { [path: string]: JaxArray };
export type Data = {
  /** [rows, T] */
  ids: JaxArray;
  /** [rows·(T − 1), V], 1 where the right token stands */
  onehot: JaxArray;
  /** [1, T, 1, D/2] */
  cos: JaxArray;
  sin: JaxArray;
  /** [1, 1, 1, T, T], 0 or −1e30 */
  mask: JaxArray;
};

/** Loss of an adapter on a batch, as a function that `grad` and `jit` take. */
export function jaxLoss({ numpy: np, nn, tree }: Jax, { model, rows: R, tokens: T }: StepSize, scale: number) {
  const { hidden_size: C, num_attention_heads: H, num_key_value_heads: KV, head_dim: D, rms_norm_eps: eps } = model;
  const group = H / KV;

  const times = (x: JaxArray, w: JaxArray) => np.matmul(x, w.transpose());
  const normalize = (x: JaxArray, w: JaxArray) => {
    const mean = np.mean(np.square(x.ref), -1, { keepdims: true });
    return x.div(np.sqrt(mean.add(eps))).mul(w);
  };
  /** x [R, T, heads, D], the two halves of a head turned against each other */
  const rotate = (x: JaxArray, { cos, sin }: Data) => {
    const first = x.ref.slice([], [], [], [0, D / 2]);
    const second = x.slice([], [], [], [D / 2, D]);
    const left = first.ref.mul(cos.ref).sub(second.ref.mul(sin.ref));
    const right = second.mul(cos.ref).add(first.mul(sin.ref));
    return np.concatenate([left, right], -1);
  };

  return (adapters: Adapters, weights: Weights, data: Data): JaxArray => {
    const linear = (x: JaxArray, path: string) => {
      const { A, B } = adapters[path]!;
      const low = times(times(x.ref, A.ref), B.ref).mul(scale);
      return times(x, weights[path]!.ref).add(low);
    };
    const attend = (x: JaxArray, path: string) => {
      const heads = (name: string, input: JaxArray, count: number) =>
        linear(input, `${path}.${name}`).reshape([R, T, count, D]);
      const q = rotate(heads("q_proj", x.ref, H), data)
        .reshape([R, T, KV, group, D])
        .transpose([0, 2, 3, 1, 4]);
      const k = rotate(heads("k_proj", x.ref, KV), data)
        .transpose([0, 2, 3, 1])
        .reshape([R, KV, 1, D, T]);
      const v = heads("v_proj", x, KV).transpose([0, 2, 1, 3]).reshape([R, KV, 1, T, D]);
      const scores = np.matmul(q, k).mul(1 / Math.sqrt(D)); // [R, KV, group, T, T]
      const shares = nn.softmax(scores.add(data.mask.ref), -1);
      const mixed = np
        .matmul(shares, v)
        .transpose([0, 3, 1, 2, 4])
        .reshape([R * T, H * D]);
      return linear(mixed, `${path}.o_proj`);
    };
    const feed = (x: JaxArray, path: string) => {
      const gate = nn.silu(linear(x.ref, `${path}.gate_proj`));
      return linear(gate.mul(linear(x, `${path}.up_proj`)), `${path}.down_proj`);
    };

    let x = np.take(weights["model.embed_tokens"]!.ref, data.ids.ref, 0).reshape([R * T, C]);
    for (let i = 0; i < model.num_hidden_layers; i++) {
      const at = `model.layers.${i}`;
      x = x.ref.add(attend(normalize(x, weights[`${at}.input_layernorm`]!.ref), `${at}.self_attn`));
      x = x.ref.add(feed(normalize(x, weights[`${at}.post_attention_layernorm`]!.ref), `${at}.mlp`));
    }
    x = normalize(x, weights["model.norm"]!.ref).reshape([R, T, C]);
    // The last token of a row predicts nothing.
    const predicting = x.slice([], [0, T - 1]).reshape([R * (T - 1), C]);
    const logits = times(predicting, weights.lm_head!.ref); // [R·(T − 1), V]
    const right = np.sum(logits.ref.mul(data.onehot.ref), -1);
    const loss = np.mean(nn.logsumexp(logits, -1).sub(right));
    for (const own of [adapters, weights, data]) tree.dispose(own);
    return loss;
  };
}
