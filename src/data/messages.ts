/**
 * Messages of a conversation, from OpenAI's shape (role, content, tool_calls) or ShareGPT's (from, value), to the shape
 * chat templates expect. Which turns carry loss comes from `weight`, `loss_weight` and `train`.
 */

import type { Problems } from "../core/errors.ts";
import { describeJson, isJsonObject, type JsonObject } from "../core/json.ts";

export type Role = "system" | "developer" | "user" | "assistant" | "tool";

/** What a chat template sees; further keys of the record's message (name, reasoning_content, …) stay as they are. */
export interface ChatMessage {
  readonly role: Role;
  /** null where the turn has only tool calls. */
  readonly content: string | null;
  readonly tool_calls?: readonly JsonObject[];
  readonly [key: string]: unknown;
}

/** Notes the faults of one record: "train.jsonl line 7: messages.1.role: expected …, got …". */
export class Faults {
  count = 0;
  private readonly problems: Problems;
  private readonly where: string;

  constructor(problems: Problems, where: string) {
    this.problems = problems;
    this.where = where;
  }

  /** Notes one fault and returns null, so that a reader can end with it. */
  fail(path: string, expected: string, value: unknown, got = describeJson(value)): null {
    this.count++;
    this.problems.add(`${this.where}: ${path === "" ? "" : `${path}: `}expected ${expected}, got ${got}`);
    return null;
  }

  /** A text with something in it besides white space. */
  text(path: string, value: unknown): string | null {
    if (typeof value === "string" && value.trim() !== "") return value;
    return this.fail(path, "a text that is not empty", value);
  }
}

const ROLES: Readonly<Record<string, Role>> = {
  system: "system",
  developer: "developer",
  user: "user",
  human: "user",
  assistant: "assistant",
  gpt: "assistant",
  model: "assistant",
  function_call: "assistant",
  tool: "tool",
  function: "tool",
  observation: "tool",
  function_response: "tool",
};

/** Reads a list of messages; faulty ones are noted and left out. */
export function readMessages(
  list: readonly unknown[],
  path: string,
  faults: Faults,
): { messages: ChatMessage[]; train: boolean[] } {
  const messages: ChatMessage[] = [];
  const train: boolean[] = [];
  list.forEach((item, i) => {
    const at = path === "" ? String(i) : `${path}.${i}`;
    const flag = isJsonObject(item) ? carriesLoss(item, at, faults) : false;
    const message = readMessage(item, at, flag, faults);
    if (message === null) return;
    messages.push(message);
    train.push(message.role === "assistant" && flag);
  });
  return { messages, train };
}

function readMessage(item: unknown, at: string, trained: boolean, faults: Faults): ChatMessage | null {
  if (!isJsonObject(item)) return faults.fail(at, "a message {role, content}", item);
  const [roleKey, contentKey] =
    item.from !== undefined && item.role === undefined ? ["from", "value"] : ["role", "content"];
  const name = item[roleKey];
  const role = typeof name === "string" && Object.hasOwn(ROLES, name) ? ROLES[name] : undefined;
  if (role === undefined) {
    return faults.fail(`${at}.${roleKey}`, '"system", "user", "assistant" or "tool"', name);
  }
  if (name === "function_call") return functionCallMessage(item[contentKey], `${at}.${contentKey}`, faults);
  const tool_calls = readToolCalls(item, at, faults);
  const parts = readContent(item[contentKey], `${at}.${contentKey}`, faults);
  if (parts === undefined) return null;
  const isEmpty = parts.content === null || parts.content.trim() === "";
  if (role === "assistant" ? isEmpty && trained && tool_calls === undefined : parts.content === null) {
    return faults.fail(
      `${at}.${contentKey}`,
      role === "assistant" ? "an answer or tool_calls" : "a text",
      item[contentKey],
    );
  }
  return { ...otherKeys(item), role, ...parts, ...(tool_calls === undefined ? {} : { tool_calls }) };
}

const OWN_KEYS = ["from", "value", "role", "content", "tool_calls", "function_call", "weight", "loss_weight", "train"];

const otherKeys = (item: JsonObject) =>
  Object.fromEntries(Object.entries(item).filter(([key]) => !OWN_KEYS.includes(key)));

/** `weight` and `loss_weight` are 0 or 1, `train` true or false; a turn carries loss unless one of them says no. */
function carriesLoss(item: JsonObject, at: string, faults: Faults): boolean {
  if (item.train_detail !== undefined)
    faults.fail(`${at}.train_detail`, "train or weight for whole turns", "", "parts");
  const flags = ["weight", "loss_weight", "train"].filter((key) => item[key] !== undefined && item[key] !== null);
  for (const key of flags) {
    const value = item[key];
    if (value !== 0 && value !== 1 && typeof value !== "boolean") faults.fail(`${at}.${key}`, "0 or 1", value);
  }
  return flags.every((key) => Boolean(item[key]));
}

/** A text, null, or a list of text parts (joined) and reasoning parts (to reasoning_content). */
function readContent(
  value: unknown,
  at: string,
  faults: Faults,
): { content: string | null; reasoning_content?: string } | undefined {
  if (value === null || value === undefined) return { content: null };
  if (typeof value === "string") return { content: value };
  if (!Array.isArray(value)) return faults.fail(at, "a text", value) ?? undefined;
  const texts: string[] = [];
  const reasoning: string[] = [];
  for (const [i, part] of value.entries()) {
    const text = isJsonObject(part) ? (part.text ?? part.value) : undefined;
    const type = isJsonObject(part) ? part.type : undefined;
    if (typeof text !== "string" || (type !== "text" && type !== "reasoning")) {
      return (
        faults.fail(`${at}.${i}`, 'a part {"type": "text", "text": …}', part, describeJson(type ?? part)) ?? undefined
      );
    }
    (type === "text" ? texts : reasoning).push(text);
  }
  const content = texts.length === 0 ? null : texts.join("");
  return reasoning.length === 0 ? { content } : { content, reasoning_content: reasoning.join("") };
}

/** OpenAI's `tool_calls`, or its older `function_call`; arguments in JSON text become the object templates expect. */
function readToolCalls(item: JsonObject, at: string, faults: Faults): JsonObject[] | undefined {
  const list = item.tool_calls ?? (isJsonObject(item.function_call) ? [item.function_call] : undefined);
  if (list === undefined || list === null || (Array.isArray(list) && list.length === 0)) return undefined;
  if (!Array.isArray(list)) {
    faults.fail(`${at}.tool_calls`, "a list", list);
    return undefined;
  }
  return list.flatMap((call: unknown, i) => {
    const inner = isJsonObject(call) && isJsonObject(call.function) ? call.function : call;
    if (!isJsonObject(call) || !isJsonObject(inner) || typeof inner.name !== "string") {
      faults.fail(`${at}.tool_calls.${i}`, 'a call {"function": {"name", "arguments"}}', call);
      return [];
    }
    const named = { ...inner, arguments: parseArguments(inner.arguments) };
    return [call === inner ? { type: "function", function: named } : { ...call, function: named }];
  });
}

function parseArguments(value: unknown): unknown {
  if (typeof value !== "string") return value ?? {};
  try {
    const parsed: unknown = JSON.parse(value);
    return isJsonObject(parsed) ? parsed : value;
  } catch {
    return value;
  }
}

/** ShareGPT's function_call turn: JSON text of one call {name, arguments} or a list of them. */
function functionCallMessage(value: unknown, at: string, faults: Faults): ChatMessage | null {
  const parsed = typeof value === "string" ? parseJsonText(value) : value;
  const calls = Array.isArray(parsed) ? parsed : [parsed];
  if (!calls.every((call) => isJsonObject(call) && typeof call.name === "string")) {
    return faults.fail(at, "JSON of a call {name, arguments}", value);
  }
  const tool_calls = readToolCalls({ tool_calls: calls }, at, faults);
  return { role: "assistant", content: null, ...(tool_calls === undefined ? {} : { tool_calls }) };
}

function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `tools`: a list or its JSON text; bare function descriptions get the {type, function} around them. */
export function readTools(value: unknown, faults: Faults): unknown[] | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  const list = typeof value === "string" ? parseJsonText(value) : value;
  if (!Array.isArray(list) || !list.every(isJsonObject)) {
    faults.fail("tools", "a list of tools, or its JSON text", value);
    return undefined;
  }
  if (list.length === 0) return undefined;
  return list.map((tool) =>
    tool.function === undefined && typeof tool.name === "string" ? { type: "function", function: tool } : tool,
  );
}
