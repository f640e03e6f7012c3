/** The answers as the voice changes, question by question, each with its verdict; and the voice score as bars. */
import { formatCount } from "../core/units.ts";
import type { AnswerVerdict } from "../health/answers.ts";
import type { VoiceScore } from "../health/voice.ts";

import { clipped, type Html, html, type Part } from "./html.ts";
import { badge, VERDICT_SIGNS } from "./icon.ts";
import type { ReportDone, ReportInput, ReportProbe } from "./input.ts";
import { nothing, type Section } from "./layout.ts";
import { counted, spread } from "./words.ts";

const MOST_QUESTIONS = 12;
/** Answers shown to a question. */
const MOST_ANSWERS = 6;
/** Characters of one answer. */
const LONGEST = 600;
const MOST_SYMPTOMS = 3;
/** Characters of a question, of a symptom. */
const LONGEST_LINE = 240;

export function answersPart(input: ReportInput): Section {
  const { probes } = input;
  const head = { id: "answers", title: "Answers as the voice changes" };
  const indices = [...new Set(probes.map(({ index }) => index))].sort((a, b) => a - b);
  if (indices.length === 0) return { ...head, body: nothing("No question was asked in this run.") };
  const rest = indices.length - MOST_QUESTIONS;
  return {
    ...head,
    body: html`${indices.slice(0, MOST_QUESTIONS).map((index) => questionMarkup(input, index))}
${rest > 0 && html`<p class="soft">${counted(rest, "more question")} left out.</p>`}`,
  };
}

function questionMarkup({ probes, questions, done }: ReportInput, index: number): Html {
  const all = probes.filter((probe) => probe.index === index);
  const shown = chooseAnswers(all);
  const last = all.at(-1);
  const kept = done && done.steps > 0 && last?.step === done.steps ? last : null;
  const rest = all.length - shown.length;
  return html`<article class="question"><h3 dir="auto">${clipped(questions[index] ?? `Question ${index + 1}`, LONGEST_LINE)}</h3>
<ol>${shown.map((probe) => answerMarkup(probe, probe === kept ? done : null))}</ol>
${rest > 0 && html`<p class="soft small">${counted(rest, "answer")} between these left out.</p>`}
</article>
`;
}

const GRADES: readonly AnswerVerdict[] = ["healthy", "suspicious", "collapsed"];
const gradeOf = ({ health }: ReportProbe): number => (health ? GRADES.indexOf(health.verdict) : 0);

/** The base's, the last, the first of each graver verdict, and others evenly in between. */
function chooseAnswers(all: readonly ReportProbe[]): readonly ReportProbe[] {
  if (all.length <= MOST_ANSWERS) return all;
  const turns = [1, 2].map((grade) => all.findIndex((probe) => gradeOf(probe) >= grade));
  const must = [0, all.length - 1, ...turns];
  const wanted = new Set(must.filter((i) => i >= 0));
  for (const i of spread(all.length, MOST_ANSWERS)) if (wanted.size < MOST_ANSWERS) wanted.add(i);
  return all.filter((_, i) => wanted.has(i));
}

/** `done`: only for the answer of the adapter that was kept. */
function answerMarkup({ step, text, ended, health }: ReportProbe, done: ReportDone | null): Html {
  const when = done ? "Kept adapter" : step === 0 ? "Base model" : `After update ${formatCount(step)}`;
  return html`<li><div class="when"><p class="name">${when}</p>${done && html`<p class="soft small">after update ${formatCount(done.chosenStep)}</p>`}${
    health && badge(VERDICT_SIGNS[health.verdict])
  }</div>
<div><blockquote class="answer" dir="auto">${text.trim() === "" ? html`<em class="soft">an empty answer</em>` : clipped(text, LONGEST)}${
    !ended && html`<span class="more"> … cut off at its longest length</span>`
  }</blockquote>${symptomsMarkup(health)}</div></li>
`;
}

function symptomsMarkup(health: ReportProbe["health"]): Part {
  if (!health || health.symptoms.length === 0) return null;
  return html`<ul class="symptoms">${health.symptoms.slice(0, MOST_SYMPTOMS).map(({ text }) => html`<li>${clipped(text, LONGEST_LINE)}</li>`)}</ul>`;
}

const MEASURES: readonly (readonly [keyof VoiceScore, string, string])[] = [
  ["score", "Voice score", "the mean of the other two"],
  ["chrF", "chrF", "likeness to the reference answers, character by character"],
  ["style", "Style", "likeness to all answers of the dataset"],
];

export function voicePart({ voice }: ReportInput): Section {
  const head = { id: "voice", title: "Voice score" };
  if (!voice) return { ...head, body: nothing("Not measured in this run.") };
  const { base, tuned, questions, step } = voice;
  const change = tuned.score - base.score;
  const direction =
    change > 0 ? "closer to the dataset's manner than the base" : "no closer to the dataset's manner than the base";
  return {
    ...head,
    body: html`<p>On ${counted(questions, "validation question")}, the adapter after update ${formatCount(step)} is ${direction}: ${scoreText(base.score)} → ${scoreText(tuned.score)} of 1.</p>
<div class="bars">${MEASURES.map(
      ([key, name, meaning]) => html`<div class="bar-group"><h3>${name} <span class="note">${meaning}</span></h3>
${barMarkup("Base", base[key], "base")}${barMarkup("Tuned", tuned[key], "tuned")}</div>
`,
    )}</div>`,
  };
}

/** Always two decimals, so that the two of a pair can be compared. */
const scoreText = (score: number): string => (Number.isFinite(score) ? score.toFixed(2) : "not finite");

function barMarkup(name: string, value: number, look: string): Html {
  const share = Number.isFinite(value) ? Math.min(100, Math.max(0, 100 * value)) : 0;
  return html`<p class="bar"><span>${name}</span><span class="track"><span class="fill fill-${look}" style="width:${share.toFixed(1)}%"></span></span><span>${scoreText(value)}</span></p>`;
}
