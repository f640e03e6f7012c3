/** Loss of examples without training: token-weighted, so that the number does not depend on how they are batched. */

import { layFlat } from "../data/batches.ts";
import type { Example } from "../data/encode.ts";
import type { Device } from "../gpu/device.ts";
import { Program } from "../gpu/program.ts";
import type { CausalLM } from "../models/model.ts";
import { recordEvaluation } from "./step.ts";
import { positionsNeeded } from "./token-batch.ts";

export interface Evaluation {
  /** Mean negative log-likelihood per supervised token, natural log. */
  readonly loss: number;
  readonly perplexity: number;
  /** Supervised tokens. */
  readonly tokens: number;
  readonly examples: number;
}

/** Evaluates all examples, `batchSize` at a time. */
export async function evaluate(
  device: Device,
  model: CausalLM,
  examples: readonly Example[],
  { batchSize, signal }: { readonly batchSize: number; readonly signal?: AbortSignal | undefined },
): Promise<Evaluation> {
  const losses: Promise<Float32Array>[] = [];
  let tokens = 0;
  for (let begin = 0; begin < examples.length; begin += batchSize) {
    signal?.throwIfAborted();
    const batch = layFlat(examples.slice(begin, begin + batchSize));
    if (batch.rows.length === 0) continue;
    model.rope.ensure(device, positionsNeeded(batch.positions));
    const program = new Program();
    losses.push(program.readFloats(recordEvaluation(program, model, batch)));
    tokens += batch.rows.length;
    await device.run(program);
  }
  const total = (await Promise.all(losses)).reduce((all, values) => all + sum(values), 0);
  const loss = total / tokens;
  return { loss, perplexity: Math.exp(loss), tokens, examples: examples.length };
}

/** In f64, in order: the same on every run. */
export function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
