/**
 * The dataset doctor: every row of a train set, and of a validation set if there is one, is turned into what the model
 * would see, and all that is wrong with it is written down. Faulty rows are left out and reported; nothing here is fatal,
 * not even when nothing is left (then the diagnosis says so). The result is plain data.
 */

import { LorikeetError, Problems } from "../core/errors.ts";
import { formatCount } from "../core/units.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { createChatRenderer } from "./chat-renderer.ts";
import { contentKeys } from "./content-key.ts";
import type { RecordSet } from "./dataset.ts";
import { createEncoder, type EncodeOptions, type Encoder, type Example, NO_LOSS } from "./encode.ts";
import { createPromptCheck, type PromptCheck, unlearnedEnd } from "./example-checks.ts";
import { explainFault, type Finding, type FindingCode, Findings, type Place, type SetName } from "./findings.ts";
import { applyMapping, type ColumnMapping } from "./mapping.ts";
import { type DataRecord, type Form, toRecord } from "./records.ts";
import type { Table } from "./tables.ts";

export interface DoctorOptions extends Pick<EncodeOptions, "maxSeqLength" | "maskPrompt" | "vocabSize" | "now"> {
  /** Columns mapped by hand; without it the columns must have known names. Holds for both sets. */
  readonly mapping?: ColumnMapping | null;
  /** Findings kept per code; all are counted. */
  readonly cap?: number;
  readonly signal?: AbortSignal | undefined;
  /** Rows done and rows altogether. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface SetDiagnosis {
  readonly file: string;
  /** Rows with something in them, unreadable ones included. */
  readonly rows: number;
  /** Indices of the rows of the table that training can use, ascending; the others have an error. */
  readonly kept: readonly number[];
  /** Those of `kept` that are the same as an earlier one. They are trained on; the cleaned file leaves them out. */
  readonly duplicates: readonly number[];
  /** Of the kept rows. */
  readonly forms: Readonly<Partial<Record<Form, number>>>;
  /** Per kept row: its tokens before the cut. */
  readonly lengths: readonly number[];
  /** Of the kept rows, after the cut. */
  readonly tokens: number;
  readonly supervised: number;
}

export interface Diagnosis {
  readonly findings: readonly Finding[];
  /** All findings by code, those beyond the cap included. */
  readonly counts: Readonly<Partial<Record<FindingCode, number>>>;
  readonly train: SetDiagnosis;
  readonly validation: SetDiagnosis | null;
}

export interface DoctorInput {
  readonly train: Table;
  readonly validation?: Table | null;
}

/** Kept per code; more are counted but nobody reads them. */
const CAP = 200;
const DEFAULT_DATE = new Date("2024-07-26T00:00:00Z");
/** Milliseconds between two chances for messages and aborts. */
const SLICE = 40;

/**
 * Examines the rows of one or two tables. Pass `noTokenizer` where all rows are token ids and the model has none.
 * @throws the signal's reason when it is aborted; nothing else.
 */
export async function examine(input: DoctorInput, tokenizer: Tokenizer, options: DoctorOptions): Promise<Diagnosis> {
  const findings = new Findings(options.cap ?? CAP);
  const validation = input.validation ?? null;
  const total = input.train.rows.length + (validation?.rows.length ?? 0);
  const ward = { findings, tokenizer, options, pace: createPace(total, options), ...createChecks(tokenizer, options) };
  const validationSet = validation === null ? null : await examineSet("validation", validation, ward);
  const trainSet = await examineSet("train", input.train, ward);
  if (validation !== null && validationSet !== null) {
    const name = validation.name === input.train.name ? "the validation file" : validation.name;
    findLeaks(input.train, trainSet, validationSet, findings, (line) => `${validation.unit} ${line} of ${name}`);
  }
  await ward.pace(0);
  return {
    findings: findings.sorted(),
    counts: findings.counts,
    train: trainSet.diagnosis,
    validation: validationSet?.diagnosis ?? null,
  };
}

/** The records behind `rows`, such as a diagnosis' `kept` or one side of a split, ready for `encodeDataset`. */
export function selectRecords(table: Table, rows: readonly number[], mapping: ColumnMapping | null = null): RecordSet {
  const forms: Partial<Record<Form, number>> = {};
  const records = rows.flatMap((row) => {
    const { line, value } = table.rows[row]!;
    const record = toRecord(mapping === null ? value : applyMapping(value, mapping), line, table.name, new Problems());
    if (record !== null) forms[record.form] = (forms[record.form] ?? 0) + 1;
    return record === null ? [] : [record];
  });
  return { name: table.name, records, forms };
}

interface Ward {
  readonly findings: Findings;
  readonly tokenizer: Tokenizer;
  readonly options: DoctorOptions;
  readonly encoder: Encoder;
  readonly checkPrompt: PromptCheck;
  /** Counts `rows` as done; lets others in from time to time. */
  readonly pace: (rows: number) => Promise<void> | null;
}

function createChecks(tokenizer: Tokenizer, options: DoctorOptions): Pick<Ward, "encoder" | "checkPrompt"> {
  const { maskPrompt, vocabSize, now = DEFAULT_DATE } = options;
  // Uncut, so that lengths are known; the cut is made here.
  const uncut = { where: "", maskPrompt, vocabSize, now, maxSeqLength: Number.MAX_SAFE_INTEGER };
  // Shared: the check asks for texts that the encoder has just had.
  const chat = createChatRenderer(tokenizer, now);
  return { encoder: createEncoder(tokenizer, uncut, chat), checkPrompt: createPromptCheck(chat) };
}

function createPace(total: number, { signal, onProgress }: DoctorOptions): Ward["pace"] {
  let [done, since] = [0, performance.now()];
  signal?.throwIfAborted();
  return (rows) => {
    done += rows;
    const now = performance.now();
    if (rows > 0 && now - since < SLICE) return null;
    onProgress?.(done, total);
    return new Promise<void>((resolve) => setTimeout(resolve, 0)).then(() => {
      since = performance.now();
      signal?.throwIfAborted();
    });
  };
}

interface Seen {
  readonly line: number;
  readonly content: number;
  readonly prompt: number | null;
}

interface SetResult {
  readonly diagnosis: SetDiagnosis;
  /** Per kept row. */
  readonly seen: readonly Seen[];
}

async function examineSet(set: SetName, table: Table, ward: Ward): Promise<SetResult> {
  const { findings } = ward;
  const add = (code: FindingCode, line: number | null, message: string) =>
    findings.add(code, placeIn(set, table, line), message);
  for (const fault of table.faults) {
    const { line, message } = withoutPlace(fault, table.name);
    add("unreadable-row", line, message);
  }
  const firstLines = new Map<number, number>();
  const [kept, duplicates, lengths, seen]: [number[], number[], number[], Seen[]] = [[], [], [], []];
  const forms: Partial<Record<Form, number>> = {};
  let [tokens, supervised] = [0, 0];
  for (const [i, { line, value }] of table.rows.entries()) {
    const wait = ward.pace(1);
    if (wait !== null) await wait;
    const patient = examineRow(value, line, table.name, ward, (code, message) => add(code, line, message));
    if (patient === null) continue;
    const { record, example } = patient;
    const { exact, content, prompt } = contentKeys(record);
    const first = firstLines.get(exact);
    if (first === undefined) firstLines.set(exact, line);
    else {
      duplicates.push(i);
      add("duplicate", line, `the same as ${table.unit} ${first}`);
    }
    kept.push(i);
    seen.push({ line, content, prompt });
    lengths.push(example.length);
    forms[record.form] = (forms[record.form] ?? 0) + 1;
    tokens += Math.min(example.length, ward.options.maxSeqLength);
    supervised += example.supervised;
  }
  if (kept.length === 0) add("nothing-left", null, nothingLeft(table));
  const rows = table.rows.length + table.faults.length;
  const diagnosis = { file: table.name, rows, kept, duplicates, forms, lengths, tokens, supervised };
  return { diagnosis, seen };
}

const placeIn = (set: SetName, { name, unit }: Table, line: number | null): Place => ({
  ...{ set, file: name, line },
  ...(unit === "row" ? { unit } : {}),
});

function nothingLeft({ rows, faults }: Table): string {
  const count = rows.length + faults.length;
  if (count === 0) return "the file has no rows";
  return count === 1 ? "its only row cannot be used" : `none of its ${formatCount(count)} rows can be used`;
}

type Note = (code: FindingCode, message: string) => void;

/** A row's record and what is left of its example after the cut; null after noting why it is left out. */
function examineRow(value: unknown, line: number, file: string, ward: Ward, note: Note) {
  const { mapping } = ward.options;
  const problems = new Problems();
  const record = toRecord(mapping ? applyMapping(value, mapping) : value, line, file, problems);
  if (record === null) {
    noteFaults(problems.list, file, note);
    return null;
  }
  const whole = tryEncode(record, ward.encoder, note);
  if (whole === null) return null;
  const example = examineExample(whole, ward, note);
  if (example === null) return null;
  const difference = ward.checkPrompt(record);
  if (difference !== null) {
    const { answer, trained, asked } = difference;
    const [one, other] = [trained, asked].map((text) => (text === "" ? "nothing" : JSON.stringify(text)));
    note("prompt-differs", `before answer ${answer}, training shows ${one} where asking shows ${other}`);
  }
  return { record, example };
}

/** One finding per code, so that counts are counts of rows. */
function noteFaults(problems: readonly string[], file: string, note: Note): void {
  const messages = new Map<FindingCode, string[]>();
  for (const problem of problems) {
    const { code, message } = explainFault(withoutPlace(problem, file).message);
    messages.set(code, [...(messages.get(code) ?? []), message]);
  }
  for (const [code, [first, ...others]] of messages) {
    note(code, others.length === 0 ? first! : `${first} (and ${others.length} more of the kind)`);
  }
}

function tryEncode(record: DataRecord, encoder: Encoder, note: Note): Example | null {
  try {
    const example = encoder.encode(record);
    if (typeof example !== "string") return example;
    note("nothing-supervised", "none of its tokens carries loss");
  } catch (error) {
    if (!(error instanceof LorikeetError)) throw error;
    const isForeign = error.message.startsWith("expected token ids below");
    note(isForeign ? "foreign-tokens" : "template-refuses", error.message);
  }
  return null;
}

function examineExample(whole: Example, { options, tokenizer }: Ward, note: Note) {
  const { maxSeqLength } = options;
  const { length } = whole.ids;
  if (length <= maxSeqLength) {
    const end = unlearnedEnd(whole, tokenizer);
    if (end !== null) note("end-not-learned", `an answer ends with ${JSON.stringify(end)} and no end-of-turn token`);
    return { length, supervised: whole.supervised };
  }
  const supervised = whole.labels
    .subarray(0, maxSeqLength)
    .reduce((sum, label) => sum + (label === NO_LOSS ? 0 : 1), 0);
  const size = `${formatCount(length)} tokens, the limit is ${formatCount(maxSeqLength)}`;
  if (supervised === 0) {
    const first = whole.labels.findIndex((label) => label !== NO_LOSS);
    note("answer-cut-off", `${size}; its first answer begins at token ${formatCount(first + 1)}`);
    return null;
  }
  const lost = whole.supervised - supervised;
  note("too-long", `${size}; ${formatCount(lost)} of the ${formatCount(whole.supervised)} tokens to learn are cut off`);
  return { length, supervised };
}

/** Rows of the train set that the validation set has as well: the whole, or only what is asked. */
function findLeaks(
  table: Table,
  train: SetResult,
  validation: SetResult,
  findings: Findings,
  place: (line: number) => string,
): void {
  const contents = new Map(validation.seen.map(({ content, line }) => [content, line]));
  const prompts = new Map(validation.seen.map(({ prompt, line }) => [prompt, line]));
  for (const { line, content, prompt } of train.seen) {
    const same = contents.get(content);
    const asked = prompt === null ? undefined : prompts.get(prompt);
    const add = (code: FindingCode, message: string) => findings.add(code, placeIn("train", table, line), message);
    if (same !== undefined) add("in-validation", `also ${place(same)}`);
    else if (asked !== undefined) add("prompt-in-validation", `${place(asked)} asks the same`);
  }
}

/** Takes "file line 7: " or "file line 7, column 3: " off a message; the column stays in it. */
function withoutPlace(problem: string, file: string): { line: number | null; message: string } {
  const rest = problem.startsWith(file) ? problem.slice(file.length) : problem;
  const match = /^ line (\d+)(?:, ((?:column|byte) \d+))?: ([\s\S]*)$/.exec(rest);
  if (match === null) return { line: null, message: rest.replace(/^: /, "") };
  const place = match[2] === undefined ? "" : `${match[2]}: `;
  return { line: Number(match[1]), message: `${place}${match[3]}` };
}
