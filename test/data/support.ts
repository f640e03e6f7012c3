import { memorySource } from "../../src/core/bytes.ts";
import { Problems } from "../../src/core/errors.ts";
import { type Example, NO_LOSS } from "../../src/data/encode.ts";
import { type DataRecord, toRecord } from "../../src/data/records.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";

export const linesOf = (...values: unknown[]) => values.map((value) => JSON.stringify(value)).join("\n");

export const jsonl = (name: string, text: string) => memorySource(name, new TextEncoder().encode(text));

/** The record of `value`, which must be without fault. */
export function record(value: unknown, line = 1): DataRecord {
  const problems = new Problems();
  const result = toRecord(value, line, "data.jsonl", problems);
  if (result === null) throw new Error(problems.list.join("\n"));
  return result;
}

/** The faults of `value`. */
export function faultsOf(value: unknown): string[] {
  const problems = new Problems();
  toRecord(value, 7, "data.jsonl", problems);
  return problems.list;
}

/** The text whose tokens carry loss, one string per run of supervised tokens. */
export function supervisedText(example: Example, tokenizer: Tokenizer): string[] {
  const runs: number[][] = [];
  example.labels.forEach((label, i) => {
    if (label === NO_LOSS) return;
    if (i === 0 || example.labels[i - 1] === NO_LOSS) runs.push([]);
    runs.at(-1)!.push(label);
  });
  return runs.map((ids) => tokenizer.decode(ids));
}
