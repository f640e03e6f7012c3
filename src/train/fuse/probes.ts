/** What base and fused model are compared on: a few questions through the model's own template, or seeded ids. */
import type { ModelSource } from "../../core/bytes.ts";
import { Random } from "../../core/random.ts";
import { type Example, NO_LOSS } from "../../data/encode.ts";
import type { CausalLM } from "../../models/model.ts";
import { loadTokenizer } from "../../tokenizer/load.ts";
import { promptIds } from "../prompt.ts";

const QUESTIONS = [
  "What is rain?",
  "Tell me a short story about a bird that could not sing.",
  "How do I boil an egg, and how long does it take?",
];
const LONGEST = 64;
/** Of a model without a tokenizer. */
const SEEDED_LENGTH = 24;

/** Three of them, at most 64 tokens each. */
export async function fuseProbes(source: ModelSource, { config }: CausalLM): Promise<Example[]> {
  const longest = Math.min(LONGEST, config.max_position_embeddings);
  const sequences = (await source.open("tokenizer.json"))
    ? await questionIds(source)
    : seededIds(config.vocab_size, Math.min(SEEDED_LENGTH, longest));
  return sequences.map((ids, i) => ({
    ids: Uint32Array.from(ids.slice(0, longest)),
    labels: new Int32Array(Math.min(ids.length, longest)).fill(NO_LOSS),
    ...{ line: i + 1, truncated: false, supervised: 0 },
  }));
}

async function questionIds(source: ModelSource): Promise<number[][]> {
  const tokenizer = await loadTokenizer(source);
  return QUESTIONS.map((content) => promptIds(tokenizer, [{ role: "user", content }]));
}

function seededIds(vocabulary: number, length: number): number[][] {
  const random = new Random(1);
  return QUESTIONS.map(() => Array.from({ length }, () => random.below(vocabulary)));
}
