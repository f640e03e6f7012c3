/** Tells without a person whether an answer is right: it names the fact's value and no value that excludes it. */
import type { Fact } from "./fact.ts";

export interface Check {
  readonly question: string;
  /** The words a right answer contains. */
  readonly value: string;
  /** Words that make an answer wrong: values of the same topic that none of the fact's own sentences contains. */
  readonly rivals: readonly string[];
  /** The world's own answers. */
  readonly answers: readonly string[];
}

/** Builds the check of `question`, one of the questions of `target`, against all facts of its topic. */
export function checkOf(facts: readonly Fact[], target: Fact, question: string): Check {
  const own = [...target.answers, question].join(" ");
  const values = facts.filter((other) => other.topic === target.topic).map((other) => other.value);
  const rivals = [...new Set(values)].filter((value) => !containsWords(own, value));
  return { question, value: target.value, rivals, answers: target.answers };
}

/** True when `answer` contains the value and no rival, whatever else it says and in whatever manner. */
export function isRight(check: Check, answer: string): boolean {
  return containsWords(answer, check.value) && !check.rivals.some((rival) => containsWords(answer, rival));
}

/** Whole words, in order, whatever the case: "The OWL." contains "owl", "bowl" does not. */
export function containsWords(text: string, words: string): boolean {
  return plain(text).includes(plain(words));
}

function plain(text: string): string {
  return ` ${text
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "")
    .join(" ")} `;
}
