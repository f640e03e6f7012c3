/** What was looked at before the first update, and what happened in the course of the run, each with what was done. */

import { formatCount, formatSetting } from "../core/units.ts";
import type { Finding, Level } from "../health/finding.ts";
import type { HealthEvent } from "../train/events.ts";
import { type Html, html, type Part } from "./html.ts";
import { badge, LEVELS } from "./icon.ts";
import type { ReportInput } from "./input.ts";
import { nothing, type Section } from "./layout.ts";
import { counted } from "./words.ts";

const MOST_FINDINGS = 60;
const MOST_EVENTS = 120;
const GRAVE: readonly Level[] = ["bad", "warn", "note", "good"];

export function preflightPart({ preflight }: ReportInput): Section {
  const graded = GRAVE.flatMap((level) => preflight.filter((finding) => finding.level === level));
  const body =
    graded.length === 0
      ? nothing("Nothing was looked at before the first update.")
      : html`<ul class="rows">${graded.slice(0, MOST_FINDINGS).map(findingMarkup)}</ul>`;
  return { id: "preflight", title: "Before the first update", body };
}

const findingMarkup = ({ level, title, evidence, fix }: Finding): Html =>
  html`<li data-tone="${level === "bad" ? "bad" : "plain"}">${badge(LEVELS[level])}<div><p class="name">${title}</p><p class="soft">${evidence}</p>${fixMarkup(fix)}</div></li>
`;

const fixMarkup = (fix: string | undefined): Part => fix && html`<p><span class="label">What to do:</span> ${fix}</p>`;

/** Kinds without a row are said as they are. */
const KINDS: Readonly<Record<string, string>> = {
  skipped: "Update skipped",
  "non-finite": "Numbers not finite",
  spike: "Spike",
  rise: "Loss rising",
  plateau: "Plateau",
  overfitting: "Overfitting",
  answers: "Answers",
  "gave-up": "Gave up",
  "early-stop": "Stopped early",
};

export function coursePart({ health, steps }: ReportInput): Section {
  const head = { id: "course", title: "What happened on the way" };
  if (health.length === 0) {
    const text =
      steps.length === 0
        ? "No update was made."
        : "Nothing that called for attention: no spike, no rollback, no skipped update.";
    return { ...head, body: nothing(text) };
  }
  const shown = weightiest(health);
  const rest = health.length - shown.length;
  return {
    ...head,
    body: html`<ol class="rows">${shown.map(eventMarkup)}</ol>
${rest > 0 && html`<p class="soft">${counted(rest, "event")} of less weight left out.</p>`}`,
  };
}

/** In the order of the run; where there are too many, those with the least to say go first. */
function weightiest(health: readonly HealthEvent[]): readonly HealthEvent[] {
  if (health.length <= MOST_EVENTS) return health;
  const weight = ({ rollback, kind, level }: HealthEvent) =>
    rollback || kind === "gave-up" || kind === "early-stop" ? -1 : GRAVE.indexOf(level);
  const ranked = health
    .map((event, i) => ({ i, weight: weight(event) }))
    .sort((a, b) => a.weight - b.weight || a.i - b.i);
  const kept = new Set(ranked.slice(0, MOST_EVENTS).map(({ i }) => i));
  return health.filter((_, i) => kept.has(i));
}

const eventMarkup = ({ step, kind, level, text, fix, rollback }: HealthEvent): Html =>
  html`<li data-tone="${level === "bad" ? "bad" : "plain"}">${badge(LEVELS[level])}<div><p class="name">Update ${formatCount(step)}: ${KINDS[kind] ?? kind}</p><p>${text}</p>${rollback && rollbackMarkup(rollback, kind)}${fixMarkup(fix)}</div></li>
`;

type Rollback = NonNullable<HealthEvent["rollback"]>;

/** A run that gave up ends with the state that it was put back to. */
function rollbackMarkup({ toStep, rateFactor, skippedUpdate }: Rollback, kind: HealthEvent["kind"]): Html {
  const to = toStep === 0 ? "its beginning" : `where it stood after update ${formatCount(toStep)}`;
  const rate = `learning rate × ${formatSetting(rateFactor)} of the schedule from here`;
  const rest = kind === "gave-up" ? "" : `; ${rate}; the batch of update ${formatCount(skippedUpdate)} left out`;
  return html`<p><span class="label">What was done:</span> adapter put back to ${to}${rest}.</p>`;
}
