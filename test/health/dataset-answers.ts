/** Every answer in a folder of data sets, whatever their forms: found by the names under which data sets keep answers. */
import { readdirSync, readFileSync } from "node:fs";
import { isJsonObject } from "../../src/core/json.ts";

const ANSWER_KEYS = new Set([
  "output",
  "answer",
  "completion",
  "response",
  "response_j",
  "response_k",
  "chosen",
  "rejected",
]);
const ANSWERERS = new Set(["assistant", "gpt", "function_call", "model"]);

/** Distinct answers of all .json and .jsonl files below `folder`, by file; files without any are left out. */
export function datasetAnswers(folder: URL): Map<string, string[]> {
  const answers = new Map<string, string[]>();
  for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    if (!/\.jsonl?$/.test(path)) continue;
    const found = new Set<string>();
    for (const value of valuesOf(readFileSync(new URL(path, folder), "utf8"), path)) collect(value, found);
    found.delete("");
    if (found.size > 0) answers.set(path, [...found]);
  }
  return answers;
}

function valuesOf(text: string, path: string): unknown[] {
  if (path.endsWith(".json")) return [JSON.parse(text)];
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => JSON.parse(line));
}

function collect(value: unknown, found: Set<string>): void {
  if (Array.isArray(value)) for (const item of value) collect(item, found);
  if (!isJsonObject(value)) return;
  if (ANSWERERS.has(String(value.role ?? value.from))) found.add(textOf(value.content ?? value.value));
  else if (typeof value.text === "string") found.add(lastAnswer(value.text));
  for (const [key, item] of Object.entries(value)) {
    if (typeof item === "string" && ANSWER_KEYS.has(key)) found.add(item);
    else if (typeof item === "object") collect(item, found);
  }
}

/** A string, or the parts that some data sets make of it. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (isJsonObject(part) ? String(part.value ?? part.text ?? "") : "")).join("\n");
}

/** What follows the last mark of an answer in a plain text; all of it where there is none. */
function lastAnswer(text: string): string {
  const marks = ["### Response:\n", "\nA: "];
  const begin = Math.max(...marks.map((mark) => (text.includes(mark) ? text.lastIndexOf(mark) + mark.length : 0)));
  return text.slice(begin);
}
