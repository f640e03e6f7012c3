/** `lorikeet generate`: an answer, written as it comes. */
import { configError, LorikeetError } from "../../core/errors.ts";
import { createStreamDecoder } from "../../tokenizer/stream-decoder.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { type Message, promptIds } from "../../train/prompt.ts";
import type { TrainingSession } from "../../train/session.ts";
import { ADAPTERS, JSON_OUTPUT, MODEL, QUANTIZE } from "./flags.ts";
import { openSession } from "./open-session.ts";
import { runnable } from "./runnable.ts";

const GENERATE = {
  name: "generate",
  summary: "Answers a question, or continues token ids.",
  flags: [
    MODEL,
    QUANTIZE,
    ADAPTERS,
    { name: "prompt", group: "Prompt", kind: "text", meaning: "Question, put through the model's chat template." },
    { name: "system", group: "Prompt", kind: "text", meaning: "Instruction that stands before the question." },
    { name: "tokens", group: "Prompt", kind: "list", meaning: "Token ids to go on from, as they are, instead." },
    {
      name: "maxTokens",
      group: "Answer",
      kind: "integer",
      min: 1,
      default: 128,
      meaning: "Longest answer, in tokens.",
    },
    { name: "temperature", group: "Answer", kind: "number", min: 0, default: 0, meaning: "0 = always the likeliest." },
    { name: "seed", group: "Answer", kind: "integer", min: 0, default: 0, meaning: "Seed of the sampling." },
    { name: "ignoreEos", group: "Answer", kind: "boolean", meaning: "Do not stop at the end of the answer." },
    JSON_OUTPUT,
  ],
} as const;

export const generation = runnable(GENERATE, async ({ values }, io) => {
  const { prompt, tokens, system, ignoreEos, json } = values;
  if ((prompt === undefined) === (tokens === undefined)) {
    throw configError("lorikeet generate: expected --prompt or --tokens, one of the two");
  }
  const given = tokens === undefined ? null : readIds(tokens);
  const { session } = await openSession(io, values);
  const tokenizer = await tokenizerOf(session, given !== null);
  const ids = given ?? promptIds(tokenizer!, conversation(prompt!, system));
  const stopIds = ignoreEos ? new Set<number>() : await session.stopIds();
  const answer = session.generate(ids, { ...values, stopIds });
  if (json) {
    const made: number[] = [];
    for await (const id of answer) made.push(id);
    const text = tokenizer?.decode(made, { skipSpecialTokens: true }) ?? null;
    io.out.write(`${JSON.stringify({ tokens: made, text })}\n`);
    return 0;
  }
  const decoder = tokenizer && createStreamDecoder(tokenizer, { skipSpecialTokens: true });
  for await (const id of answer) io.out.write(decoder ? decoder.push(id) : `${id} `);
  io.out.write(`${decoder?.flush() ?? ""}\n`);
  return 0;
});

function conversation(prompt: string, system: string | undefined): Message[] {
  const question = { role: "user", content: prompt } as const;
  return system === undefined ? [question] : [{ role: "system", content: system }, question];
}

function readIds(words: readonly string[]): number[] {
  const wrong = words.find((word) => !/^\d+$/.test(word));
  if (wrong === undefined) return words.map(Number);
  throw configError(`--tokens: expected whole numbers separated by commas, got ${JSON.stringify(wrong)}`);
}

/** Ids need no tokenizer: without one the answer is ids as well. */
async function tokenizerOf(session: TrainingSession, optional: boolean): Promise<Tokenizer | null> {
  try {
    return await session.tokenizer();
  } catch (error) {
    if (optional && error instanceof LorikeetError) return null;
    throw error;
  }
}
