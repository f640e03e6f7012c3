/** Findings, what the guard did, and the verdict, as lines for people. */
import type { Finding, Level } from "../../../health/finding.ts";
import type { HealthEvent, VoiceEvent } from "../../../train/events.ts";
import type { Judged } from "../../../train/verdict.ts";
import type { Fact } from "./describe.ts";

const MARKS: Readonly<Record<Level, string>> = { good: "✓", note: "·", warn: "!", bad: "✗" };
const VERDICT_MARKS = { healthy: "✓", suspicious: "!", collapsed: "✗", broken: "✗" } as const;

/** What is well in one line, everything else with its evidence and its fix; the memory, whose numbers always count, apart. */
export function preflightFacts(findings: readonly Finding[]): Fact[] {
  const memory = findings.filter(({ id }) => id === "memory");
  const others = findings.filter(({ id }) => id !== "memory");
  const good = others.filter(({ level }) => level === "good").map(({ title }) => title);
  const bad = others.filter(({ level }) => level !== "good");
  return [
    ...memory.map((finding): Fact => ["memory", findingLine(finding)]),
    ["pre-flight", ...(good.length > 0 ? [`${MARKS.good} ${good.join("; ")}`] : []), ...bad.map(findingLine)],
  ];
}

const findingLine = ({ level, title, evidence, fix }: Finding): string =>
  `${MARKS[level]} ${title}: ${evidence}${fix ? ` ${fix}` : ""}`;

export const healthLine = ({ level, text, fix }: HealthEvent): string =>
  `${MARKS[level]} ${text}${fix ? ` ${fix}` : ""}`;

export const verdictFact = ({ verdict, reason }: Judged): Fact => [
  "verdict",
  `${VERDICT_MARKS[verdict]} ${verdict}. ${reason}`,
];

export function voiceFact({ base, tuned, questions }: VoiceEvent): Fact {
  const both = (name: "score" | "chrF" | "style") => `${base[name].toFixed(2)} → ${tuned[name].toFixed(2)}`;
  return [
    "voice",
    `${both("score")} of 1, on ${questions} validation questions (chrF ${both("chrF")}, style ${both("style")}): ` +
      "how close the answers come to the dataset's manner, base and tuned",
  ];
}
