/** Invented states of the Data card: 270 rows with a few of every fault. */

import { FINDING_KINDS, type Finding, type FindingCode } from "../../../../src/data/findings.ts";
import { lengthHistogram } from "../../../../src/data/histogram.ts";
import { resolveConfig } from "../../../../src/train/config.ts";
import { type AppState, INITIAL_STATE } from "../../../../src/ui/state/app-state.ts";
import type { ColumnFacts, DataState, Diagnosis, ExamplePreview, RecordRow } from "../../../../src/worker/protocol.ts";
import { DEMO, OPENING } from "./model.ts";

const CONFIG = resolveConfig({ maxSeqLength: 256 }, "fake");
const ROWS = 270;
const FAULTY = [7, 12, 40, 41, 99, 180];
const kept = Array.from({ length: ROWS }, (_, i) => i).filter((i) => !FAULTY.includes(i));
const lengths = kept.map((i) => Math.round(40 + 90 * Math.abs(Math.sin(i * 12.9898)) + (i % 37 === 0 ? 230 : 0)));

const SAID: readonly (readonly [FindingCode, number, string, number])[] = [
  ["unreadable-row", 8, "column 31: expected a comma or a closing brace, got the end of the line", 1],
  ["unknown-role", 13, 'messages.1.role: expected "system", "user", "assistant" or "tool", got "bot"', 2],
  ["empty-answer", 41, 'messages.2.content: expected an answer or tool_calls, got ""', 3],
  ["too-long", 149, "301 tokens, the limit is 256; 45 of its 120 answer tokens are cut off", 7],
  ["duplicate", 55, "the same as line 12", 4],
  ["in-validation", 61, "also line 3 of valid.jsonl", 1],
  ["prompt-in-validation", 70, "line 9 of valid.jsonl asks the same", 2],
];

const hintOf = (code: FindingCode): { hint?: string } => {
  const kind = FINDING_KINDS[code];
  return "hint" in kind ? { hint: kind.hint } : {};
};

const findings: readonly Finding[] = SAID.flatMap(([code, line, message, count]) =>
  Array.from({ length: count }, (_, i) => ({
    ...{ code, severity: FINDING_KINDS[code].severity, set: "train" as const, file: "chats.jsonl" },
    ...{ line: line + i, message, ...hintOf(code) },
  })),
);

const DIAGNOSIS: Diagnosis = {
  findings,
  counts: Object.fromEntries(SAID.map(([code, , , count]) => [code, count])),
  train: {
    ...{ file: "chats.jsonl", rows: ROWS, kept, duplicates: [54], lengths },
    ...{ forms: { messages: 200, "prompt-completion": 64 }, tokens: 24_120, supervised: 9_860 },
  },
  validation: null,
};
const CLEAN: Diagnosis = {
  ...{ findings: [], counts: {}, validation: null },
  train: { ...DIAGNOSIS.train, rows: kept.length, duplicates: [], forms: { messages: 264 } },
};

const column = (name: string, example: string, kind: ColumnFacts["kind"] = "text"): ColumnFacts => ({
  ...{ name, example, kind, filled: 200, meanLength: example.length },
});

const READY: DataState = {
  ...INITIAL_STATE.data,
  ...{ phase: "ready", source: "files", title: "chats.jsonl" },
  columns: [
    column(
      "messages",
      '[{"role":"user","content":"What is a lorikeet?"},{"role":"assistant","content":"A small parrot."}]',
      "list of messages",
    ),
  ],
  proposal: { messages: "messages" },
  diagnosis: DIAGNOSIS,
  histogram: lengthHistogram(lengths, { limit: 256 }),
  split: { train: 238, valid: 26, own: false },
};
const TABLE: readonly ColumnFacts[] = [
  column("id", "17", "number"),
  column(
    "kunde",
    "Meine Lampe flackert, sobald ich sie dimme. Ist das ein Fehler der Lampe oder des Dimmers? Ich habe beide neu gekauft.",
  ),
  column("kontext", "Modell L-20, gekauft im Mai"),
  column("antwort", "Meist ist es der Dimmer: Er braucht eine Mindestlast."),
];
const GUESS = { id: "ignore", kunde: "prompt", kontext: "ignore", antwort: "completion" } as const;
const MAPPED: DataState = {
  ...READY,
  title: "kunden.csv",
  columns: TABLE,
  needsMapping: true,
  proposal: GUESS,
  mapping: GUESS,
  diagnosis: CLEAN,
};
const NOTHING_LEFT: DataState = {
  ...{ ...MAPPED, histogram: [], split: { train: 0, valid: 0, own: false } },
  diagnosis: {
    findings: [
      {
        code: "nothing-left",
        severity: "error",
        set: "train",
        file: "kunden.csv",
        line: null,
        message: "none of its 270 rows can be used",
      },
      {
        code: "not-a-record",
        severity: "error",
        set: "train",
        file: "kunden.csv",
        line: 2,
        message: "expected one of messages, prompt + completion, text, got keys id, kunde",
      },
    ],
    counts: { "nothing-left": 1, "not-a-record": 270 },
    train: { ...DIAGNOSIS.train, kept: [], lengths: [], forms: {}, tokens: 0, supervised: 0 },
    validation: null,
  },
  error: {
    kind: "data",
    message: "kunden.csv: no record can be used",
    hint: "The findings say why. Columns with other names can be mapped by hand.",
    code: "bad-dataset",
  },
};

const state = (data: DataState, more: Partial<AppState> = {}): Partial<AppState> => ({
  ...{ opening: OPENING, model: DEMO, config: CONFIG, data, opened: { data: true } },
  ...more,
});

export const DATA_STATES: Readonly<Record<string, Partial<AppState>>> = {
  closed: state(READY, { opened: { data: false } }),
  empty: state(INITIAL_STATE.data),
  reading: state({ ...INITIAL_STATE.data, phase: "reading", source: "files", title: "chats.jsonl" }),
  checking: state({ ...INITIAL_STATE.data, phase: "checking", source: "files", title: "chats.jsonl", progress: 0.42 }),
  partial: state(READY),
  success: state({
    ...READY,
    source: "sample",
    title: "Sample dataset",
    diagnosis: CLEAN,
    split: { train: 264, valid: 24, own: true },
  }),
  mapped: state(MAPPED),
  "no-model": state({ ...READY, diagnosis: null, histogram: null, split: null }, { model: INITIAL_STATE.model }),
  "no-template": state(
    { ...READY, diagnosis: { ...DIAGNOSIS, counts: { "template-refuses": 12 } } },
    { model: { ...DEMO, hasChatTemplate: false } },
  ),
  "nothing-left": state(NOTHING_LEFT),
  failed: state({
    ...{ ...INITIAL_STATE.data, phase: "failed", source: "files", title: "chats.parquet" },
    error: {
      kind: "format",
      message: 'chats.parquet: expected a Parquet file, which begins with "PAR1", got "{\\"me"',
      hint: "The file was renamed or is damaged. Download or export it again.",
    },
  }),
  refused: state(READY, {
    problem: { card: "data", error: { kind: "config", message: "Choose the column with the prompt." } },
  }),
  running: state(READY, { run: { ...INITIAL_STATE.run, phase: "training" } }),
};

function rowOf(i: number): RecordRow {
  const long =
    i % 5 === 0
      ? " and why does it hang from branches upside down, and what does it eat when there is no nectar to be found?"
      : "?";
  return {
    line: i + 1,
    form: i % 4 === 3 ? "prompt-completion" : "messages",
    prompt: `What is bird number ${i + 1}${long}`,
    answer: `A lorikeet with ${i + 2} feathers.`,
    turns: 2,
  };
}

function previewOf(index: number): ExamplePreview {
  const row = rowOf(kept[index]!);
  const words = (text: string) => text.match(/\s*\S+/g) ?? [];
  const piece = (text: string, supervised: boolean, special = false) => ({
    text,
    ids: special ? [index % 7] : [100 + text.length, ...(text.length > 8 ? [7] : [])],
    supervised,
    special,
  });
  const pieces = [
    piece("<|im_start|>", false, true),
    ...words(`user\n${row.prompt}`).map((text) => piece(text, false)),
    ...[
      piece("<|im_end|>", false, true),
      piece("\n", false),
      piece("<|im_start|>", false, true),
      piece("assistant\n", false),
    ],
    ...words(row.answer).map((text) => piece(text, true)),
    piece("<|im_end|>", true, true),
  ];
  const truncatedAt = index % 9 === 8 ? pieces.length - 4 : null;
  const seen = pieces.slice(0, truncatedAt ?? pieces.length);
  const tokens = seen.reduce((sum, { ids }) => sum + ids.length, 0);
  return {
    line: row.line,
    pieces,
    tokens,
    supervised: seen.filter(({ supervised }) => supervised).length,
    truncatedAt,
  };
}

export const DATA_ANSWERS = {
  dataRows: (offset: number, count: number) => kept.slice(offset, offset + count).map(rowOf),
  previewRecord: previewOf,
  cleanedData: () => ({ name: "chats.clean.jsonl", blob: new Blob(["{}\n"]) }),
};
