/** What every family gives: a tree of modules and a forward pass over a flat batch of tokens. */
import type { Tape } from "../autograd/tape.ts";
import { modelError } from "../core/errors.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import type { Device } from "../gpu/device.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Weight } from "../gpu/weight.ts";
import type { Embedding } from "../nn/embedding.ts";
import type { Linear } from "../nn/linear.ts";
import type { ModuleTree } from "../nn/module.ts";
import type { RopeTables } from "./rope-table.ts";

/** Tokens laid end to end, on the device. */
export interface TokenBatch {
  /** u32 [N] */
  readonly ids: Tensor;
  /** u32 [N], within each token's own sequence */
  readonly positions: Tensor;
  /** Who sees whom. */
  readonly seen: Ranges;
  /** The same in layers of sliding attention; null where the model has none. */
  readonly seenSliding: Ranges | null;
  /** Keys and values of earlier tokens, when generating. */
  readonly cache?: KvCache;
}

export interface Ranges {
  /** u32 [N, 2]: the keys each token sees */
  readonly queryRanges: Tensor;
  /** u32 [T, 2]: the queries that see each key; only backward reads it */
  readonly keyRanges: Tensor | null;
}

/** Keys and values [capacity, KV·D] of every layer; `length` rows are filled. */
export interface KvCache {
  readonly layers: readonly { readonly k: Tensor; readonly v: Tensor }[];
  readonly length: number;
}

export interface ForwardOptions {
  /**
   * How many blocks are computed again during backward instead of keeping their activations, from the lowest that has
   * a backward on. The lowest, because the most is held when backward begins, at the last block: were that computed
   * again, its activations would be there while all others still are. By the time backward reaches the lowest, the
   * others are gone.
   */
  readonly recomputed?: number;
}

export interface CausalLM {
  readonly config: ModelConfig;
  readonly tree: ModuleTree;
  readonly rope: RopeTables;
  /** The output head: its own weight, or the tied embedding. */
  readonly head: Linear | Embedding;
  /** c: the head's logits z are c·tanh(z/c) to everyone (Gemma 2); 0 = they stay. */
  readonly finalSoftcap: number;
  /** Final hidden states [N, C], normalised, ready for the head. */
  forward(tape: Tape, batch: TokenBatch, options?: ForwardOptions): Tensor;
}

/** The head's weight [V, C]. */
export function headWeight(model: CausalLM): Weight {
  if (!model.head.weight) throw modelError("the model has no weights yet");
  return model.head.weight;
}

/** Empty caches for `capacity` tokens. */
export function allocateCache(device: Device, config: ModelConfig, capacity: number): KvCache {
  const shape = [capacity, config.num_key_value_heads * config.head_dim];
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i) => ({
    k: device.allocate(shape, `cache.${i}.k`),
    v: device.allocate(shape, `cache.${i}.v`),
  }));
  return { layers, length: 0 };
}

export function freeCache(device: Device, cache: KvCache): void {
  for (const { k, v } of cache.layers) {
    device.free(k);
    device.free(v);
  }
}
