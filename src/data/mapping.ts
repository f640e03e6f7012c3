/**
 * Which form the rows of a file have, which columns there are, and how a person maps columns whose names say nothing.
 * Detection is what `toRecord` does, so nothing here can disagree with training. A mapping only rewrites a row into a
 * shape that `toRecord` knows; it is needed when detection fails, or when the person asks.
 */

import { Problems } from "../core/errors.ts";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import type { JsonRecord } from "../formats/jsonl.ts";
import { type Form, toRecord } from "./records.ts";

/** What a column means; several columns of one role are joined by an empty line, in the order of the mapping. */
export const COLUMN_ROLES = ["prompt", "completion", "system", "text", "messages", "ignore"] as const;
export type ColumnRole = (typeof COLUMN_ROLES)[number];

/** Column → role; a column that is not named is ignored. */
export type ColumnMapping = Readonly<Record<string, ColumnRole>>;

export interface ColumnFacts {
  readonly name: string;
  /** A value as text, shortened; empty when no row looked at has one. */
  readonly example: string;
  /** Among the rows looked at: those with a value that is not empty. */
  readonly filled: number;
  /** Of these values as texts, in characters. */
  readonly meanLength: number;
  readonly kind: "text" | "number" | "list of messages" | "other";
}

export interface Detection {
  /** Rows looked at. */
  readonly rows: number;
  /** Rows of each form, faulty ones aside. */
  readonly forms: Readonly<Partial<Record<Form, number>>>;
  /** Rows of a known form with a fault in them; the doctor names it. */
  readonly faulty: number;
  /** Rows whose columns mean nothing to Lorikeet. */
  readonly unknown: number;
  readonly columns: readonly ColumnFacts[];
  /** Most rows are unknown, but have columns that can be mapped. */
  readonly needsMapping: boolean;
  /** A first guess to show; null where no columns can be mapped. */
  readonly proposal: ColumnMapping | null;
}

const LOOKED_AT = 200;

/** Looks at rows spread over the whole file, at most `limit` of them. */
export function detectForm(rows: readonly JsonRecord[], limit = LOOKED_AT): Detection {
  const step = Math.max(1, Math.ceil(rows.length / limit));
  const sample = rows.filter((_, i) => i % step === 0);
  const forms: Partial<Record<Form, number>> = {};
  let [faulty, unknown] = [0, 0];
  for (const { line, value } of sample) {
    const problems = new Problems();
    const record = toRecord(value, line, "", problems);
    if (record !== null) forms[record.form] = (forms[record.form] ?? 0) + 1;
    else if (isUnknown(problems.list)) unknown++;
    else faulty++;
  }
  const columns = columnFacts(sample.map(({ value }) => value));
  const proposal = columns.length === 0 ? null : proposeMapping(columns);
  const needsMapping = proposal !== null && unknown > sample.length / 2;
  return { rows: sample.length, forms, faulty, unknown, columns, needsMapping, proposal };
}

/** The reader's own words for keys it does not know. */
const isUnknown = (problems: readonly string[]) => problems.some((problem) => problem.includes(": expected one of "));

/** The columns of `values` (those that are objects), in order of appearance. */
export function columnFacts(values: readonly unknown[]): ColumnFacts[] {
  const columns = new Map<string, unknown[]>();
  for (const value of values) {
    if (!isJsonObject(value)) continue;
    for (const [name, cell] of Object.entries(value)) {
      const cells = columns.get(name) ?? [];
      if (!isEmpty(cell)) cells.push(cell);
      columns.set(name, cells);
    }
  }
  return [...columns].map(([name, cells]) => ({
    name,
    example: shorten(cells.length === 0 ? "" : textOf(cells[0])),
    filled: cells.length,
    meanLength:
      cells.length === 0 ? 0 : cells.reduce<number>((sum, cell) => sum + textOf(cell).length, 0) / cells.length,
    kind: kindOf(cells),
  }));
}

const isEmpty = (cell: unknown) =>
  cell === undefined || cell === null || (typeof cell === "string" && cell.trim() === "");

const shorten = (text: string) => (text.length > 120 ? `${text.slice(0, 119).replace(/[\ud800-\udbff]$/, "")}…` : text);

function kindOf(cells: readonly unknown[]): ColumnFacts["kind"] {
  if (cells.length === 0) return "other";
  if (cells.every(isMessageList)) return "list of messages";
  const isNumber = (cell: unknown) =>
    typeof cell === "number" || (typeof cell === "string" && Number.isFinite(Number(cell)));
  if (cells.every(isNumber)) return "number";
  return cells.every((cell) => typeof cell === "string") ? "text" : "other";
}

const isMessageList = (cell: unknown) =>
  Array.isArray(cell) &&
  cell.length > 0 &&
  cell.every((item) => isJsonObject(item) && ("role" in item || "from" in item));

/** Names by role, the likeliest first; compared without case and marks. */
const NAMES: Readonly<Record<Exclude<ColumnRole, "ignore" | "messages">, RegExp>> = {
  completion:
    /^(?:completion|answers?|responses?|output|outputs|reply|replies|target|assistant|gpt|bot|solution|summary|label text|translation|chosen response|best answer|model answer|ground truth|expected output)$/,
  prompt:
    /^(?:prompt|questions?|query|instructions?|input|inputs|user|human|request|source|problem|message|context|document|article|passage|title|subject|task|customer)$/,
  system: /^(?:system|system prompt|system message|persona)$/,
  text: /^(?:text|content|body|story|code|sentence)$/,
};

const plainName = (name: string) =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, " ")
    .trim();

/**
 * A sensible role for every column: a list of messages wins; else by name; what the names leave open goes by content, the
 * longest text being the answer. Only a guess, for a person to look at.
 */
export function proposeMapping(columns: readonly ColumnFacts[]): ColumnMapping {
  const roles: Record<string, ColumnRole> = Object.fromEntries(columns.map(({ name }) => [name, "ignore"]));
  const chat = columns.find(({ kind }) => kind === "list of messages");
  if (chat !== undefined) return { ...roles, [chat.name]: "messages" };
  const usable = columns.filter(({ kind, filled }) => filled > 0 && kind !== "other");
  const byName = (role: keyof typeof NAMES) => usable.filter(({ name }) => NAMES[role].test(plainName(name)));
  const byLength = (list: readonly ColumnFacts[]) =>
    list.filter(({ kind }) => kind === "text").sort((a, b) => b.meanLength - a.meanLength);
  const [completion] = byName("completion");
  const prompts = byName("prompt");
  const [text] = byName("text");
  if (completion === undefined && prompts.length === 0) {
    const [longest, second] = byLength(usable);
    const whole = text ?? (second === undefined ? longest : undefined);
    if (whole !== undefined) return { ...roles, [whole.name]: "text" };
  }
  const others = byLength(usable.filter((each) => each !== completion && !prompts.includes(each)));
  const answer = completion ?? others.shift() ?? byLength(prompts)[0];
  const asked = prompts.filter((each) => each !== answer);
  const question = asked.length > 0 ? asked : others.slice(0, 1);
  for (const { name } of byName("system")) roles[name] = "system";
  for (const { name } of question) roles[name] = "prompt";
  if (answer !== undefined) roles[answer.name] = question.length === 0 ? "text" : "completion";
  return roles;
}

/** Why a mapping cannot work, in a sentence; null when it can. */
export function mappingProblem(mapping: ColumnMapping): string | null {
  const count = (role: ColumnRole) => Object.values(mapping).filter((each) => each === role).length;
  const whole = count("text") + count("messages");
  if (whole > 1) return "Choose one column of text or messages, not several.";
  if (whole === 1 && count("completion") + count("prompt") > 0) {
    return "A column of text or messages is a whole example; prompts and answers beside it would be left out.";
  }
  if (whole === 0 && count("completion") === 0) return "Choose the column with the answer, the text or the messages.";
  return whole === 0 && count("prompt") === 0 ? "Choose the column with the prompt." : null;
}

/**
 * The row in a shape that `toRecord` knows. Values that are not objects, and rows without any mapped column, stay as they
 * are, so that they are reported as what they are. `tools` and `chat_template_kwargs` go along.
 */
export function applyMapping(value: unknown, mapping: ColumnMapping): unknown {
  if (!isJsonObject(value)) return value;
  const columns = (role: ColumnRole) =>
    Object.keys(mapping).filter((name) => mapping[name] === role && Object.hasOwn(value, name));
  const join = (role: ColumnRole) =>
    columns(role)
      .map((name) => textOf(value[name]))
      .filter((text) => text.trim() !== "");
  const system = join("system").join("\n\n");
  const [text] = columns("text");
  if (text !== undefined) return { text: textOf(value[text]) };
  const [messages] = columns("messages");
  if (messages !== undefined) return { ...extras(value), messages: withSystem(parseList(value[messages]), system) };
  if (columns("completion").length === 0) return value;
  const prompt = join("prompt").join("\n\n");
  const completion = join("completion").join("\n\n");
  if (system === "") return { ...extras(value), prompt, completion };
  const turns = [
    { role: "user", content: prompt },
    { role: "assistant", content: completion },
  ];
  return { ...extras(value), messages: withSystem(turns, system) };
}

const extras = ({ tools, chat_template_kwargs }: JsonObject) => ({
  ...(tools === undefined ? {} : { tools }),
  ...(chat_template_kwargs === undefined ? {} : { chat_template_kwargs }),
});

function withSystem(messages: unknown, system: string): unknown {
  if (system === "" || !Array.isArray(messages)) return messages;
  const first: unknown = messages[0];
  const hasOne = isJsonObject(first) && (first.role === "system" || first.from === "system");
  return hasOne ? messages : [{ role: "system", content: system }, ...messages];
}

function parseList(cell: unknown): unknown {
  if (typeof cell !== "string") return cell;
  try {
    return JSON.parse(cell);
  } catch {
    return cell;
  }
}

/** A cell as the text to train on. A list of one text (as in some question sets) is that text. */
function textOf(cell: unknown): string {
  const value: unknown = Array.isArray(cell) && cell.length === 1 && typeof cell[0] === "string" ? cell[0] : cell;
  if (value === undefined || value === null) return "";
  if (typeof value !== "object") return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    // Nested deeper than the stack reaches.
    return "";
  }
}
