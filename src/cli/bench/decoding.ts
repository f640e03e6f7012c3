/** How fast answers come: one token after another, which is limited by reading every weight once for each. */
import { Random } from "../../core/random.ts";
import type { Device } from "../../gpu/device.ts";
import { freeWeights } from "../../models/load.ts";
import { modelFacts } from "../../train/facts.ts";
import { generate } from "../../train/generate.ts";
import { randomModel, STEP_MODEL } from "./training-step.ts";

export interface DecodingResult {
  readonly tokensPerSecond: number;
  /** Weights that a token has to read: all but the rows of the embedding that it does not look up. */
  readonly bytesPerToken: number;
}

/** Tokens. */
export const PROMPT = 64;
/** Tokens that are not counted: the first ones compile, and the very first reads the prompt. */
export const WARM_UP = 4;

/** Greedy, after a prompt of 64 tokens, with the model of the training step. */
export async function benchDecoding(device: Device, tokens: number): Promise<DecodingResult> {
  const random = new Random(1);
  const model = randomModel(device, random);
  try {
    const prompt = Array.from({ length: PROMPT }, () => random.below(STEP_MODEL.vocab_size));
    const options = { maxTokens: WARM_UP + tokens, temperature: 0, seed: 0, stopIds: new Set<number>() };
    let [made, start] = [0, 0];
    for await (const _ of generate(device, model, prompt, options)) {
      made += 1;
      if (made === WARM_UP) start = performance.now();
    }
    const seconds = (performance.now() - start) / 1000;
    const table = 4 * STEP_MODEL.vocab_size * STEP_MODEL.hidden_size;
    return { tokensPerSecond: (made - WARM_UP) / seconds, bytesPerToken: modelFacts(model).bytes - table };
  } finally {
    freeWeights(model, device);
  }
}
