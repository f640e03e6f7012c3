/** Answers, token by token, with a cache of keys and values: greedy, or sampled at a temperature. */
import { configError } from "../core/errors.ts";
import { Random } from "../core/random.ts";
import { type Device, fetchFloats } from "../gpu/device.ts";
import { Program } from "../gpu/program.ts";
import { alignUp } from "../gpu/tensor.ts";
import { allocateCache, type CausalLM, freeCache, headWeight, type KvCache, type Ranges } from "../models/model.ts";
import { allColumns, recordNt } from "../ops/matmul.ts";
import { gatherRows } from "../ops/rows.ts";
import { capLogits } from "./logits.ts";
import { newTape } from "./step.ts";
import { words } from "./token-batch.ts";

export interface GenerateOptions {
  readonly maxTokens: number;
  /** 0 = greedy */
  readonly temperature: number;
  readonly seed: number;
  /** Ids that end the answer; they are yielded too. Empty: never. */
  readonly stopIds: ReadonlySet<number>;
  readonly signal?: AbortSignal | undefined;
}

/** Yields the new ids. Throws ConfigError for an empty prompt or one that leaves no room. */
export async function* generate(
  device: Device,
  model: CausalLM,
  prompt: readonly number[],
  { maxTokens, temperature, seed, stopIds, signal }: GenerateOptions,
): AsyncGenerator<number> {
  checkPrompt(prompt, model);
  const capacity = Math.min(prompt.length + maxTokens, model.config.max_position_embeddings);
  model.rope.ensure(device, capacity);
  const random = new Random(seed);
  const cache = allocateCache(device, model.config, capacity);
  try {
    let next = prompt;
    for (let length = 0, made = 0; made < maxTokens && length + next.length <= capacity; made++) {
      signal?.throwIfAborted();
      const logits = await lastLogits(device, model, next, { ...cache, length });
      length += next.length;
      // The greatest is the greatest before and after the cap.
      const capped = () => capLogits(logits, model.finalSoftcap);
      const token = temperature > 0 ? sample(capped(), temperature, random) : argmax(logits);
      yield token;
      if (stopIds.has(token)) return;
      next = [token];
    }
  } finally {
    freeCache(device, cache);
  }
}

/** Runs `ids` after what the cache holds; logits [V] of the last one, not yet capped. A GPU→CPU wait: the next token depends on it. */
async function lastLogits(device: Device, model: CausalLM, ids: readonly number[], cache: KvCache) {
  const program = new Program();
  const tape = newTape(program, "off");
  const count = ids.length;
  const positions = Uint32Array.from(ids, (_, i) => cache.length + i);
  const seen = (window: number): Ranges => {
    const ranges = Array.from(positions, (position) => [Math.max(0, position - window + 1), position + 1]).flat();
    return { queryRanges: words(program, Uint32Array.from(ranges), [count, 2], "query ranges"), keyRanges: null };
  };
  const { sliding_window, vocab_size: vocabulary } = model.config;
  const hidden = model.forward(tape, {
    ids: words(program, Uint32Array.from(ids), [count], "ids"),
    positions: words(program, positions, [count], "positions"),
    seen: seen(Number.POSITIVE_INFINITY),
    seenSliding: sliding_window === null ? null : seen(sliding_window),
    cache,
  });
  const index = words(program, Uint32Array.of(count - 1), [1], "last row");
  const [last] = tape.apply(gatherRows, [hidden], { index });
  const logits = program.tensor([1, alignUp(vocabulary, 4)], "logits");
  recordNt(program, allColumns(last!), 1, headWeight(model), allColumns(logits));
  return (await fetchFloats(device, program, logits)).subarray(0, vocabulary);
}

function checkPrompt(prompt: readonly number[], { config }: CausalLM): void {
  if (prompt.length === 0) throw configError("the prompt is empty", "Give at least one token.");
  if (prompt.length >= config.max_position_embeddings) {
    throw configError(
      `the prompt has ${prompt.length} tokens, the model has room for ${config.max_position_embeddings}`,
      "Shorten the prompt.",
    );
  }
  const outside = prompt.find((id) => !Number.isInteger(id) || id < 0 || id >= config.vocab_size);
  if (outside !== undefined) throw configError(`token ${outside} is not in the vocabulary of ${config.vocab_size}`);
}

/** Index of the greatest; the first of equals. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}

/** One draw from softmax(logits / temperature). */
export function sample(logits: Float32Array, temperature: number, random: Random): number {
  const greatest = logits[argmax(logits)]!;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - greatest) / temperature));
  let rest = random.uniform() * weights.reduce((a, b) => a + b, 0);
  for (const [i, weight] of weights.entries()) {
    rest -= weight;
    if (rest < 0) return i;
  }
  return argmax(logits);
}
