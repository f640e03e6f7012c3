/**
 * One JSON value → one record of a known form. The form is found for each record by itself, so files may mix them.
 * Order of precedence as in mlx-lm (prompt + completion, then messages, then text), with pre-tokenised records before
 * and the forms of other tools after. Every fault is noted with file, line and path; a faulty record is left out.
 */

import type { Problems } from "../core/errors.ts";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import { type ChatMessage, Faults, readMessages, readTools } from "./messages.ts";

/** The shape a record had in the file. */
export type Form = "messages" | "prompt-completion" | "text" | "alpaca" | "sharegpt" | "message-list" | "tokens";

interface Source {
  readonly form: Form;
  /** Line of the file, from 1. */
  readonly line: number;
}

/** Turns for the chat template; loss on the assistant turns whose `train` is true. */
export interface Conversation extends Source {
  readonly kind: "conversation";
  readonly messages: readonly ChatMessage[];
  /** One per message. */
  readonly train: readonly boolean[];
  readonly tools?: readonly unknown[] | undefined;
  /** `chat_template_kwargs` of the record, such as enable_thinking. */
  readonly variables?: JsonObject | undefined;
}

/** A prompt and its answer: a user and an assistant turn where the model has a chat template, else plain text. */
export interface Completion extends Source {
  readonly kind: "completion";
  readonly prompt: string;
  readonly completion: string;
  readonly tools?: readonly unknown[] | undefined;
  readonly variables?: JsonObject | undefined;
}

export interface PlainText extends Source {
  readonly kind: "text";
  readonly text: string;
}

/** Already tokenised; labels aligned with input_ids, −100 = no loss. */
export interface Tokens extends Source {
  readonly kind: "tokens";
  readonly input_ids: readonly number[];
  readonly labels: readonly number[];
}

export type DataRecord = Conversation | Completion | PlainText | Tokens;

/** The record behind a parsed line, or null after noting why there is none. `where` is the file's name. */
export function toRecord(value: unknown, line: number, where: string, problems: Problems): DataRecord | null {
  const faults = new Faults(problems, `${where} line ${line}`);
  const record = Array.isArray(value)
    ? conversation("message-list", line, { list: value, path: "" }, {}, faults)
    : isJsonObject(value)
      ? fromObject(value, line, faults)
      : faults.fail("", "an object or a list of messages", value);
  return faults.count === 0 ? record : null;
}

function fromObject(value: JsonObject, line: number, faults: Faults): DataRecord | null {
  const has = (...keys: string[]) => keys.every((key) => value[key] !== undefined && value[key] !== null);
  if (has("input_ids")) return tokens(value, line, faults);
  if (refusePreference(value, faults)) return null;
  if (has("prompt", "completion")) return promptCompletion(value, line, ["prompt", "completion"], faults);
  if (has("messages")) return conversation("messages", line, { list: value.messages, path: "messages" }, value, faults);
  if (has("text")) return plainText(value, line, faults);
  if (has("conversations")) {
    return conversation("sharegpt", line, { list: value.conversations, path: "conversations" }, value, faults);
  }
  if (has("instruction", "output")) return alpaca(value, line, faults);
  const pair = PAIRS.find(([prompt, answer]) => has(prompt, answer));
  if (pair) return promptCompletion(value, line, pair, faults);
  const keys = Object.keys(value).slice(0, 8).join(", ");
  return faults.fail("", `one of ${KNOWN}`, value, keys === "" ? "no keys" : `keys ${keys}`);
}

const PAIRS: readonly (readonly [string, string])[] = [
  ["question", "answer"],
  ["instruction", "response"],
  ["prompt", "response"],
  ["query", "response"],
  ["input", "output"],
];

const KNOWN = "messages, prompt + completion, text, conversations, instruction + output, question + answer, input_ids";

/** Preference data holds bad answers too; trained as if they were good ones it would do harm. */
function refusePreference(value: JsonObject, faults: Faults): boolean {
  const expected = "a record for supervised training";
  if (value.chosen !== undefined || value.rejected !== undefined) {
    faults.fail("", expected, value, "preference data (chosen, rejected)");
    return true;
  }
  const flag = ["label", "kto_tag"].find((key) => value[key] === false);
  if (flag !== undefined) faults.fail(flag, expected, value, "false, the mark of a rejected answer");
  return flag !== undefined;
}

function plainText(value: JsonObject, line: number, faults: Faults): DataRecord | null {
  const text = faults.text("text", value.text);
  return text === null ? null : { kind: "text", form: "text", line, text };
}

function tokens(value: JsonObject, line: number, faults: Faults): DataRecord | null {
  const { input_ids, labels = input_ids } = value;
  const isList = (list: unknown, least: number): list is number[] =>
    Array.isArray(list) && list.every((id) => Number.isSafeInteger(id) && (id >= 0 || id === least));
  if (!isList(input_ids, 0) || input_ids.length === 0) {
    return faults.fail("input_ids", "a list of token ids", input_ids);
  }
  if (!isList(labels, -100)) return faults.fail("labels", "a list of token ids and -100", labels);
  if (labels.length !== input_ids.length) {
    return faults.fail("labels", `${input_ids.length} labels, as many as input_ids`, labels);
  }
  return { kind: "tokens", form: "tokens", line, input_ids, labels };
}

function promptCompletion(
  value: JsonObject,
  line: number,
  [promptKey, answerKey]: readonly [string, string],
  faults: Faults,
): DataRecord | null {
  const [prompt, answer] = [value[promptKey], value[answerKey]];
  const shared = { form: "prompt-completion", line, ...extras(value, faults) } as const;
  if (Array.isArray(prompt) && Array.isArray(answer)) {
    const before = readMessages(prompt, promptKey, faults);
    const after = readMessages(answer, answerKey, faults);
    const train = [...before.messages.map(() => false), ...after.train];
    if (!after.messages.some(isAnswer)) return faults.fail(answerKey, "an assistant message", answer);
    return { kind: "conversation", ...shared, messages: [...before.messages, ...after.messages], train };
  }
  if (typeof prompt !== "string") return faults.fail(promptKey, "a text (or lists of messages in both)", prompt);
  const completion = faults.text(answerKey, answer);
  return completion === null ? null : { kind: "completion", ...shared, prompt, completion };
}

/** Turns from a list of messages, with `system` and `tools` beside it. */
function conversation(
  form: Form,
  line: number,
  { list, path }: { list: unknown; path: string },
  value: JsonObject,
  faults: Faults,
): DataRecord | null {
  if (!Array.isArray(list)) return faults.fail(path, "a list of messages", list);
  const { messages, train } = readMessages(list, path, faults);
  const system = form === "sharegpt" && typeof value.system === "string" ? value.system : "";
  if (system !== "" && messages[0]?.role !== "system") {
    messages.unshift({ role: "system", content: system });
    train.unshift(false);
  }
  if (faults.count === 0 && !messages.some(isAnswer)) return faults.fail(path, "an assistant turn", list, "none");
  return { kind: "conversation", form, line, messages, train, ...extras(value, faults) };
}

const isAnswer = (message: ChatMessage) => message.role === "assistant";

function extras(value: JsonObject, faults: Faults) {
  const variables = value.chat_template_kwargs ?? undefined;
  if (variables !== undefined && !isJsonObject(variables)) faults.fail("chat_template_kwargs", "an object", variables);
  return {
    tools: readTools(value.tools, faults),
    variables: isJsonObject(variables) ? variables : undefined,
  };
}

/** instruction / input / output with optional system and history [[question, answer], …] as earlier turns. */
function alpaca(value: JsonObject, line: number, faults: Faults): DataRecord | null {
  const instruction = faults.text("instruction", value.instruction);
  const output = faults.text("output", value.output);
  const optional = (key: string) => (value[key] === undefined || value[key] === null ? "" : value[key]);
  for (const key of ["input", "system"]) {
    if (typeof optional(key) !== "string") faults.fail(key, "a text", value[key]);
  }
  const history = optional("history") || [];
  const isTurn = (turn: unknown) =>
    Array.isArray(turn) && turn.length === 2 && turn.every((text) => typeof text === "string");
  if (!Array.isArray(history) || !history.every(isTurn)) faults.fail("history", "[[question, answer], …]", history);
  if (faults.count > 0) return null;
  const input = String(optional("input"));
  const system = String(optional("system"));
  const messages: ChatMessage[] = [
    ...(system === "" ? [] : [{ role: "system", content: system } as const]),
    ...(history as [string, string][]).flatMap(([question, answer]): ChatMessage[] => [
      { role: "user", content: question },
      { role: "assistant", content: answer },
    ]),
    { role: "user", content: input === "" ? instruction : `${instruction}\n\n${input}` },
    { role: "assistant", content: output },
  ];
  return { kind: "conversation", form: "alpaca", line, messages, train: messages.map(isAnswer) };
}
