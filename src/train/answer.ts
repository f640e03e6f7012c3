/** Questions put to the model in training's own session: an answer as text while it is made, or whole. */
import type { Answer } from "../health/answers.ts";
import { createStreamDecoder } from "../tokenizer/stream-decoder.ts";
import type { GenerateOptions } from "./generate.ts";
import { type Message, promptIds } from "./prompt.ts";
import type { TrainingSession } from "./session.ts";

/** Longest probe answer, in tokens: enough to hear the voice. */
export const PROBE_TOKENS = 48;

export interface AnswerOptions extends Partial<Pick<GenerateOptions, "maxTokens" | "temperature" | "seed" | "signal">> {
  /** Without the adapter. */
  readonly base?: boolean;
  /** Told every new id, the one that ends the answer included. */
  readonly onToken?: (id: number) => void;
}

/** Yields the answer in pieces; returns whether the model ended it by itself. */
export async function* answer(
  session: TrainingSession,
  messages: readonly Message[],
  options: AnswerOptions = {},
): AsyncGenerator<string, boolean> {
  const tokenizer = await session.tokenizer();
  const stopIds = await session.stopIds();
  const decoder = createStreamDecoder(tokenizer, { skipSpecialTokens: true });
  let ended = false;
  for await (const id of session.generate(promptIds(tokenizer, messages), { ...options, stopIds })) {
    options.onToken?.(id);
    ended = stopIds.has(id);
    const text = decoder.push(id);
    if (text !== "") yield text;
  }
  const rest = decoder.flush();
  if (rest !== "") yield rest;
  return ended;
}

/** The whole answer at once, greedy. */
export async function wholeAnswer(
  session: TrainingSession,
  messages: readonly Message[],
  options: AnswerOptions = {},
): Promise<Answer> {
  const ids: number[] = [];
  const onToken = (id: number) => void ids.push(id);
  const pieces = answer(session, messages, { maxTokens: PROBE_TOKENS, ...options, onToken });
  let text = "";
  for (let next = await pieces.next(); ; next = await pieces.next()) {
    if (next.done) return { ids, text: text.trim(), ended: next.value };
    text += next.value;
  }
}
