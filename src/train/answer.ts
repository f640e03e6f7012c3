/** Questions put to the model in training's own session: an answer as text while it is made, and rounds of probe answers. */
import type { DataRecord } from "../data/records.ts";
import { createStreamDecoder } from "../tokenizer/stream-decoder.ts";
import type { ProbeEvent } from "./events.ts";
import type { GenerateOptions } from "./generate.ts";
import { type Message, promptIds } from "./prompt.ts";
import type { TrainingSession } from "./session.ts";

/** A question asked again and again while training, so that one sees the voice change. */
export interface Probe {
  readonly messages: readonly Message[];
  /** Its answer before the first update, where it is known already: the base's. */
  readonly known?: { readonly text: string; readonly ended: boolean } | undefined;
}

/** Longest probe answer, in tokens: enough to hear the voice. */
export const PROBE_TOKENS = 48;

export interface AnswerOptions extends Partial<Pick<GenerateOptions, "maxTokens" | "temperature" | "seed" | "signal">> {
  /** Without the adapter. */
  readonly base?: boolean;
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
    ended = stopIds.has(id);
    const text = decoder.push(id);
    if (text !== "") yield text;
  }
  const rest = decoder.flush();
  if (rest !== "") yield rest;
  return ended;
}

/** Answers every probe greedily; stops between two answers when the run is stopped. */
export async function* answerProbes(
  session: TrainingSession,
  probes: readonly Probe[],
  step: number,
  signal?: AbortSignal,
): AsyncGenerator<ProbeEvent> {
  for (const [index, { messages, known }] of probes.entries()) {
    if (signal?.aborted) return;
    const { text, ended } = step === 0 && known ? known : await wholeAnswer(session, messages);
    yield { type: "probe", step, index, text, ended };
  }
}

/** The whole answer at once, greedy. */
export async function wholeAnswer(
  session: TrainingSession,
  messages: readonly Message[],
  options: AnswerOptions = {},
): Promise<{ text: string; ended: boolean }> {
  const pieces = answer(session, messages, { maxTokens: PROBE_TOKENS, ...options });
  let text = "";
  for (let next = await pieces.next(); ; next = await pieces.next()) {
    if (next.done) return { text: text.trim(), ended: next.value };
    text += next.value;
  }
}

/** The first questions that differ among the records: what is asked before an answer, system prompt included. */
export function probesOf(records: readonly DataRecord[], count: number): Probe[] {
  const probes = new Map<string, Probe>();
  for (const record of records) {
    if (probes.size === count) break;
    const messages = questionOf(record);
    if (messages) probes.set(JSON.stringify(messages), { messages });
  }
  return [...probes.values()];
}

function questionOf(record: DataRecord): Message[] | null {
  if (record.kind === "completion") return [{ role: "user", content: record.prompt }];
  if (record.kind !== "conversation") return null;
  const question: Message[] = [];
  for (const { role, content } of record.messages) {
    if (role === "assistant") return question.some((message) => message.role === "user") ? question : null;
    if ((role !== "system" && role !== "user") || content === null) return null;
    question.push({ role, content });
  }
  return null;
}
