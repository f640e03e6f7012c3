/** Jobs of the demo model for the tests of this folder. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { folderSource } from "../../src/cli/node/folder.ts";
import { demoFolder } from "../../src/cli/node/package.ts";
import { memoryModel } from "../../src/core/bytes.ts";
import { Problems } from "../../src/core/errors.ts";
import { type DataRecord, toRecord } from "../../src/data/records.ts";
import { type HandoffInput, handoffFiles } from "../../src/handoff/handoff.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { resolveConfig, type TrainConfig } from "../../src/train/config.ts";
import { describeModel } from "../../src/train/describe-model.ts";
import { fixture } from "../lora/support.ts";

export const fixtureJson = (name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/handoff/${name}`, import.meta.url), "utf8"));

/** The demo's config, template and tokenizer: the tests read no weights. */
export const demo = await describeModel(folderSource(demoFolder()));
export const adapter = await importAdapter(fixture("llama/adapters/random"));

export function recordsOf(rows: readonly object[]): DataRecord[] {
  const problems = new Problems();
  const records = rows.map((row, i) => toRecord(row, i + 1, "test", problems)!);
  problems.throwIfAny("data", "test");
  return records;
}

export const user = (content: string) => ({ role: "user", content });
export const assistant = (content: string, more = {}) => ({ role: "assistant", content, ...more });
export const chat = (...messages: object[]) => ({ messages });

const TURN = chat(user("Why?"), assistant("Because."));

export interface Asked {
  readonly knobs?: Partial<TrainConfig>;
  readonly rows?: readonly object[];
  readonly valid?: readonly object[] | null;
  readonly more?: Partial<HandoffInput>;
}

/** Sixteen chats, four for validation, and an adapter of the tiny llama. */
export function inputOf({ knobs = {}, rows = Array(16).fill(TURN), valid = Array(4).fill(TURN), more = {} }: Asked) {
  const { config } = demo;
  const input: HandoffInput = {
    ...{ model: { name: "org/model", quantized: false }, config: resolveConfig(knobs, "test"), done: 0, adapter },
    modules: adapter.factors.map(({ module }) => module),
    ...{ blocks: 2, vocabSize: config.vocab_size, maxPositions: config.max_position_embeddings },
    ...{ tokenizer: demo.tokenizer, train: { name: "train", records: recordsOf(rows) } },
    valid: valid && { name: "valid", records: recordsOf(valid) },
    ...more,
  };
  return input;
}

/** The folder's files as text, with their paths. */
export class Folder {
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

  constructor(asked: Asked) {
    this.files = new Map(handoffFiles(inputOf(asked)).map(({ path, bytes }) => [path, bytes]));
  }

  text(path: string): string {
    return new TextDecoder().decode(this.files.get(path));
  }

  rows(path: string) {
    return this.text(path)
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  options() {
    return parse(this.text("mlx/config.yaml"));
  }

  /** A folder in it, to load from. */
  source(path: string) {
    const inside = [...this.files].filter(([name]) => name.startsWith(`${path}/`));
    return memoryModel(
      path,
      inside.map(([name, bytes]) => ({ path: name.slice(path.length + 1), bytes })),
    );
  }
}
