/** The doctor's findings in groups, as the card lists them. Pure. */
import { formatCount } from "../../../core/units.ts";
import { FINDING_KINDS, type FindingCode } from "../../../data/findings.ts";
import type { Diagnosis } from "../../../worker/protocol.ts";
import { keptWords, problemCount } from "./summary.ts";

type Tone = "info" | "good" | "warn" | "bad";
export type Finding = Diagnosis["findings"][number];

export interface FindingGroup {
  readonly code: FindingCode;
  readonly severity: Finding["severity"];
  readonly title: string;
  readonly explanation: string;
  readonly hint: string | null;
  /** All of them, also those that were not kept. */
  readonly count: number;
  readonly findings: readonly Finding[];
}

/** What a severity means for the record. */
export const SEVERITIES: Readonly<Record<Finding["severity"], { readonly tone: Tone; readonly word: string }>> = {
  error: { tone: "bad", word: "Left out" },
  warning: { tone: "warn", word: "Look at it" },
  note: { tone: "info", word: "Good to know" },
};

/** By code, in the doctor's own order: the gravest first. */
export function findingGroups({ findings, counts }: Diagnosis): FindingGroup[] {
  const byCode = new Map<FindingCode, Finding[]>();
  for (const finding of findings) byCode.set(finding.code, [...(byCode.get(finding.code) ?? []), finding]);
  // Its findings say why nothing is left.
  if (byCode.size > 1) byCode.delete("nothing-left");
  return [...byCode].map(([code, list]) => ({
    ...{ code, severity: list[0]!.severity },
    ...{ title: FINDING_KINDS[code].title, explanation: FINDING_KINDS[code].explanation },
    ...{ hint: list[0]!.hint ?? null, count: counts[code] ?? list.length, findings: list },
  }));
}

/** Only records that are kept can be shown; of the validation set none can. */
export const canOpen = ({ severity, set, line }: Finding): boolean =>
  severity !== "error" && set === "train" && line !== null;

/** "train.jsonl, line 7"; the file is named only where there are two. */
export function placeWords({ file, line, set, unit }: Finding, files: number): string {
  const name = file.slice(file.lastIndexOf("/") + 1);
  if (line === null) return name;
  const place = `${unit === "row" ? "Row" : "Line"} ${formatCount(line)}`;
  return files > 1 ? `${name}${set === "validation" ? " (validation)" : ""}, ${place.toLowerCase()}` : place;
}

/** The doctor's verdict. */
export function doctorVerdict(diagnosis: Diagnosis): { readonly tone: Tone; readonly text: string } {
  const { train } = diagnosis;
  const kept = keptWords(train);
  if (train.kept.length === 0) return { tone: "bad", text: "No record can be used" };
  const problems = problemCount(diagnosis);
  if (problems === 0) return { tone: "good", text: `No problems found. ${kept}.` };
  const things = problems === 1 ? "1 thing to look at" : `${formatCount(problems)} things to look at`;
  return { tone: "warn", text: `${kept}. ${things}.` };
}
