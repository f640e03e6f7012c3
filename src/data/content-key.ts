/**
 * What two records have in common, whatever form they came in: numbers to compare instead of texts. A number of 53 bits
 * stands for a text, so two different records of a million share one with a chance of 1 in 20,000.
 */

import type { DataRecord } from "./records.ts";

export interface ContentKeys {
  /** Equal only for the same turns, letter by letter, with the same tools and the same turns trained. */
  readonly exact: number;
  /** Equal also where case and white space differ. */
  readonly content: number;
  /** The same of all that comes before the last answer; null where nothing is asked (plain text, token ids). */
  readonly prompt: number | null;
}

export function contentKeys(record: DataRecord): ContentKeys {
  if (record.kind === "text")
    return { exact: hash(`t${record.text}`), content: hash(plain(record.text)), prompt: null };
  if (record.kind === "tokens") {
    const key = hash(`i${record.input_ids.join()} ${record.labels.join()}`);
    return { exact: key, content: key, prompt: null };
  }
  const turns = turnsOf(record);
  const last = turns.findLastIndex(({ role }) => role === "assistant");
  const exact = jsonText([turns, record.tools, record.variables]);
  const text = (list: readonly Turn[]) =>
    plain(list.map(({ role, content, calls }) => `${role}\n${content}\n${calls}`).join("\n\n"));
  const asked = turns.slice(0, last);
  const prompt = asked.some(({ content }) => content.trim() !== "") ? hash(text(asked)) : null;
  return { exact: hash(exact), content: hash(text(turns)), prompt };
}

interface Turn {
  readonly role: string;
  readonly content: string;
  readonly calls: string;
  readonly train: boolean;
}

function turnsOf(record: Exclude<DataRecord, { kind: "text" | "tokens" }>): Turn[] {
  if (record.kind === "completion") {
    return [
      { role: "user", content: record.prompt, calls: "", train: false },
      { role: "assistant", content: record.completion, calls: "", train: true },
    ];
  }
  return record.messages.map(({ role, content, tool_calls }, i) => ({
    role,
    content: content ?? "",
    calls: tool_calls === undefined ? "" : jsonText(tool_calls),
    train: record.train[i] ?? false,
  }));
}

/** The same value gives the same text; one that nests deeper than the stack reaches gives none. */
function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "";
  }
}

const plain = (text: string) => text.normalize("NFC").toLowerCase().replace(/\s+/g, " ").trim();

/** cyrb53 by bryc: https://github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js (public domain). */
function hash(text: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 0x9e3779b1);
    b = Math.imul(b ^ code, 0x5f356495);
  }
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return 4294967296 * (b & 0x1fffff) + (a >>> 0);
}
