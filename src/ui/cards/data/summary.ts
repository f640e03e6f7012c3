/** The Data card in one line and one state, and its facts in words. Pure. */
import { formatCount } from "../../../core/units.ts";
import type { DataState, Diagnosis } from "../../../worker/protocol.ts";

type SetDiagnosis = Diagnosis["train"];
type Form = keyof SetDiagnosis["forms"];

const FORMS: Readonly<Record<Form, string>> = {
  messages: "chat messages",
  "prompt-completion": "prompt and answer",
  text: "plain text",
  alpaca: "Alpaca instructions",
  sharegpt: "ShareGPT conversations",
  "message-list": "lists of messages",
  tokens: "token ids",
};

/** The name of one form, for a table. */
export const formName = (form: Form): string => FORMS[form];

/** "Chat messages", or "Chat messages (200) and plain text (4)" where a file mixes them. */
export function formWords(forms: SetDiagnosis["forms"]): string {
  const found = (Object.entries(forms) as [Form, number][]).filter(([, count]) => count > 0);
  const ordered = found.sort((a, b) => b[1] - a[1]);
  const [only] = ordered;
  if (!only) return "Not known";
  if (ordered.length === 1) return upper(FORMS[only[0]]);
  return upper(listed(ordered.map(([form, count]) => `${FORMS[form]} (${formatCount(count)})`)));
}

/** "a, b and c" */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words[0] ?? "";
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

const upper = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** "264 of 270 records are kept" */
export function keptWords({ kept, rows }: Pick<SetDiagnosis, "kept" | "rows">): string {
  const are = rows === 1 ? "record is" : "records are";
  if (kept.length === rows) return rows === 1 ? "The only record is kept" : `All ${formatCount(rows)} records are kept`;
  return `${formatCount(kept.length)} of ${formatCount(rows)} ${are} kept`;
}

/** How the records are divided; null before that is known. */
export function splitWords({ split, diagnosis }: DataState, seed: number | null): string | null {
  if (!split) return null;
  const [train, valid] = [formatCount(split.train), formatCount(split.valid)];
  if (split.own) return `${train} to train, ${valid} to validate from ${fileName(diagnosis?.validation?.file)}`;
  if (split.valid === 0) return `${train} to train, none to validate: too few to set some aside`;
  return `${train} to train, ${valid} to validate (drawn automatically${seed === null ? "" : `, seed ${seed}`})`;
}

/** Without the folders before it. */
const fileName = (path: string | undefined): string =>
  path === undefined ? "a file of its own" : path.slice(path.lastIndexOf("/") + 1);

/** Every row that could be used was left out. */
export const nothingUsable = ({ diagnosis }: DataState): boolean =>
  diagnosis !== null && diagnosis.train.kept.length === 0;

/** Faults and warnings, not notes. */
export const problemCount = ({ findings, counts }: Diagnosis): number => {
  const notes = new Set(findings.filter(({ severity }) => severity === "note").map(({ code }) => code));
  const entries = Object.entries(counts) as [keyof typeof counts, number][];
  return entries.reduce((sum, [code, count]) => sum + (notes.has(code) ? 0 : count), 0);
};

export function dataCardState(data: DataState): "empty" | "loading" | "partial" | "error" | "success" {
  const { phase, diagnosis, needsMapping } = data;
  if (phase === "none") return "empty";
  if (phase === "failed" || nothingUsable(data)) return "error";
  if (phase !== "ready") return "loading";
  return diagnosis === null || needsMapping || problemCount(diagnosis) > 0 ? "partial" : "success";
}

/** "chats.jsonl · 264 of 270 records · 3 to look at" */
export function dataSummary(data: DataState): string {
  const { phase, title, progress, diagnosis, error } = data;
  const share = progress === null ? "" : `, ${Math.floor(100 * progress)} %`;
  if (phase === "none") return "No data chosen";
  if (phase === "reading") return `${title ? `${title} · ` : ""}reading${share}`;
  if (phase === "checking") return `${title} · checking${share}`;
  if (phase === "failed")
    return `${title ? `${title} · ` : ""}${error?.code === "bad-dataset" ? "no record can be used" : "could not be used"}`;
  if (!diagnosis) return `${title} · read, waiting for a model`;
  if (nothingUsable(data)) return `${title} · no record can be used`;
  const { kept, rows } = diagnosis.train;
  const records = kept.length === rows ? formatCount(rows) : `${formatCount(kept.length)} of ${formatCount(rows)}`;
  const problems = problemCount(diagnosis);
  return [
    title,
    `${records} ${rows === 1 ? "record" : "records"}`,
    problems > 0 ? `${formatCount(problems)} to look at` : "no problems",
  ].join(" · ");
}
