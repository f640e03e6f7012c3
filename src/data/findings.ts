/** What the dataset doctor can find: a closed list of codes, each explained once, and the findings of one examination. */

export type Severity = "error" | "warning" | "note";
/** Which of the two sets a finding is about. */
export type SetName = "train" | "validation";

interface Kind {
  /** error: the row is left out; warning: it is kept, but look at it; note: good to know. */
  readonly severity: Severity;
  readonly title: string;
  /** One sentence: why this matters. */
  readonly explanation: string;
  readonly hint?: string;
}

/** In the order in which a person should look at them. */
export const FINDING_KINDS = {
  "nothing-left": {
    severity: "error",
    title: "Nothing left to train on",
    explanation: "No row of this file can be used.",
    hint: "Look at the other findings: most often all rows have the same fault. Columns with other names can be mapped by hand.",
  },
  "unreadable-row": {
    severity: "error",
    title: "Unreadable row",
    explanation: "The row breaks the rules of its file format, so nobody can say what it holds.",
    hint: "Correct the row, or leave it out.",
  },
  "not-a-record": {
    severity: "error",
    title: "Unknown columns",
    explanation: "The row has no columns that Lorikeet knows as prompt and answer, messages or text.",
    hint: "Choose the columns by hand, or rename them.",
  },
  "preference-data": {
    severity: "error",
    title: "Preference data",
    explanation: "The row compares a good answer with a bad one; trained as it is, the model would learn both.",
    hint: "Keep only the good answers, as prompt and completion.",
  },
  "unknown-role": {
    severity: "error",
    title: "Unknown role",
    explanation: "A message comes from somebody other than system, user, assistant or tool.",
    hint: 'Rename the role; whoever the model should speak as is "assistant".',
  },
  "empty-answer": {
    severity: "error",
    title: "No answer",
    explanation: "The row has no answer, or an empty one, so there is nothing to learn from it.",
    hint: "Add the answer, or leave the row out.",
  },
  "bad-field": {
    severity: "error",
    title: "Field of the wrong kind",
    explanation: "A field holds something other than it should, such as a number where a text belongs.",
  },
  "template-refuses": {
    severity: "error",
    title: "Refused by the chat template",
    explanation: "The model's own chat template cannot write this conversation down.",
    hint: "Most templates want turns of user and assistant in alternation, beginning with the user.",
  },
  "foreign-tokens": {
    severity: "error",
    title: "Tokens of another model",
    explanation: "The row has token ids that are not in this model's vocabulary.",
    hint: "Use the text instead of token ids, or make the ids with this model's tokenizer.",
  },
  "nothing-supervised": {
    severity: "error",
    title: "Nothing to learn",
    explanation: "No token of the row carries loss, so training on it would change nothing.",
    hint: "Check the weight or train marks of its answers.",
  },
  "answer-cut-off": {
    severity: "error",
    title: "Cut off before its answer",
    explanation: "The row is longer than the limit, and its answers begin only behind the cut.",
    hint: "Raise the maximum length, or shorten the prompt.",
  },
  "too-long": {
    severity: "warning",
    title: "Longer than the limit",
    explanation: "The row is cut at the maximum length; its end, and how it should stop, is not learned.",
    hint: "Raise the maximum length, or split the row.",
  },
  "end-not-learned": {
    severity: "warning",
    title: "The end is not learned",
    explanation: "No end-of-turn token carries loss after an answer, so the model may not learn to stop.",
    hint: "Use a model whose chat template ends each answer with its end-of-turn token.",
  },
  "prompt-differs": {
    severity: "warning",
    title: "Trained on another prompt than asked",
    explanation: "The chat template writes the text before this answer differently when the model is asked.",
    hint: "Often harmless for reasoning models. If answers come out odd, keep one question and one answer per row.",
  },
  duplicate: {
    severity: "warning",
    title: "Duplicate",
    explanation: "The row is the same as an earlier one, so it counts more than others.",
    hint: "The cleaned file has each row once.",
  },
  "in-validation": {
    severity: "warning",
    title: "Also in validation",
    explanation: "The row is in the validation set too, so the validation loss measures memory, not learning.",
    hint: "Take the row out of one of the two.",
  },
  "prompt-in-validation": {
    severity: "note",
    title: "Prompt also in validation",
    explanation: "The validation set asks the same, with another answer; its loss may look better than it is.",
  },
} as const satisfies Record<string, Kind>;

export type FindingCode = keyof typeof FINDING_KINDS;

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly set: SetName;
  readonly file: string;
  /** As a person counts: line of the file, or row of a table; null when it is about the whole file. */
  readonly line: number | null;
  /** Present where `line` counts rows: in a table, and in a JSON document of several rows on one line. */
  readonly unit?: "row";
  readonly message: string;
  readonly hint?: string;
}

/** Where a finding is. */
export type Place = Pick<Finding, "set" | "file" | "line" | "unit">;

/** Findings of one examination: all are counted, the first `cap` of each code are kept. */
export class Findings {
  readonly counts: Partial<Record<FindingCode, number>> = {};
  private readonly kept: Finding[] = [];
  private readonly cap: number;

  constructor(cap: number) {
    this.cap = cap;
  }

  add(code: FindingCode, place: Place, message: string): void {
    const count = (this.counts[code] ?? 0) + 1;
    this.counts[code] = count;
    if (count > this.cap) return;
    const kind: Kind = FINDING_KINDS[code];
    const hint = kind.hint === undefined ? {} : { hint: kind.hint };
    this.kept.push({ code, severity: kind.severity, ...place, message, ...hint });
  }

  /** By code in the table's order, then train before validation, then by line. */
  sorted(): Finding[] {
    const codes = Object.keys(FINDING_KINDS);
    const rank = ({ code, set }: Finding) => codes.indexOf(code) * 2 + (set === "train" ? 0 : 1);
    return [...this.kept].sort((a, b) => rank(a) - rank(b) || (a.line ?? 0) - (b.line ?? 0));
  }
}

interface Rule {
  readonly pattern: RegExp;
  readonly code: FindingCode;
  /** The fault in words for somebody who reads about it in a table, not in a terminal. */
  readonly say: (match: RegExpExecArray) => string;
}

const NOTHING = /(nothing|null|"(?:\s|\\[nrt])*")/.source;

const RULES: readonly Rule[] = [
  { pattern: /^expected one of .*, got no keys$/, code: "not-a-record", say: () => "it has no columns" },
  {
    pattern: /^expected one of .*, got keys (.*)$/,
    code: "not-a-record",
    say: ([, keys]) => `its columns are ${keys}`,
  },
  {
    pattern: /^expected an object or a list of messages, got (.*)$/,
    code: "not-a-record",
    say: ([, got]) => `expected named columns, got ${got}`,
  },
  {
    pattern: /^expected a record for supervised training, got preference data \((.*)\)$/,
    code: "preference-data",
    say: () => "it holds a chosen and a rejected answer",
  },
  {
    pattern: /^(.*): expected a record for supervised training, got false/,
    code: "preference-data",
    say: ([, key]) => `${key} is false, the mark of a rejected answer`,
  },
  {
    pattern: /^(.*)\.(?:role|from): expected "system", .*, got (.*)$/,
    code: "unknown-role",
    say: ([, path, got]) => `${messageAt(path!)} is from ${got}`,
  },
  {
    pattern: /^(.*)\.(?:content|value): expected an answer or tool_calls, got (.*)$/,
    code: "empty-answer",
    say: ([, path]) => `${messageAt(path!)} is an empty answer`,
  },
  {
    pattern: /^(?:.*: )?expected an assistant (?:turn|message), got .*$/,
    code: "empty-answer",
    say: () => "no message is from the assistant",
  },
  {
    pattern: new RegExp(
      `^(completion|answer|response|output|text): expected a text that is not empty, got ${NOTHING}$`,
    ),
    code: "empty-answer",
    say: ([, key]) => `${key} is empty`,
  },
];

/** "messages.1" → "message 2", "prompt.0" → "message 1 of prompt". */
function messageAt(path: string): string {
  const index = path.lastIndexOf(".");
  const list = path.slice(0, Math.max(0, index));
  const number = `message ${Number(path.slice(index + 1)) + 1}`;
  return ["", "messages", "conversations"].includes(list) ? number : `${number} of ${list}`;
}

/** A fault that `toRecord` reports, without the file and line it begins with: its code, and what to tell the person. */
export function explainFault(fault: string): { readonly code: FindingCode; readonly message: string } {
  for (const { pattern, code, say } of RULES) {
    const match = pattern.exec(fault);
    if (match !== null) return { code, message: say(match) };
  }
  return { code: "bad-field", message: fault };
}
