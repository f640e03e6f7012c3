/** What the engine's guard saw and did, in the page's words: headlines, marks on the curve, what counts right now. Pure. */
import { formatCount } from "../../../core/units.ts";
import type { Level } from "../../../health/finding.ts";
import type { HealthEvent } from "../../../train/events.ts";
import type { ChartMark } from "../../kit/charts/marks.ts";
import type { CurveName, Points } from "../../state/curves.ts";
import { LEVEL_TONES } from "../verdict-words.ts";
import type { Verdict } from "./verdict.ts";

/** Updates for which something that passed is still the news. */
const NEWS = 20;
const GRAVITY: readonly Level[] = ["good", "note", "warn", "bad"];
const PASSING: ReadonlySet<HealthEvent["kind"]> = new Set(["skipped", "spike", "rise", "non-finite", "plateau"]);

/** What happened, in a few words. */
export function headline({ kind, level, rollback }: HealthEvent): string {
  switch (kind) {
    case "skipped":
      return "An update was skipped";
    case "spike":
    case "rise":
    case "non-finite":
      return rollback ? `Put back to ${placeWords(rollback.toStep)}, learning rate halved` : RAISED[kind];
    case "gave-up":
      return "It diverged again and again, so the run was ended";
    case "plateau":
      return "The loss has levelled out";
    case "overfitting":
      return "The adapter learns the records by heart";
    case "early-stop":
      return "Ended early: the validation loss got no better";
    case "answers":
      return ANSWERS[level];
  }
}

const RAISED = {
  spike: "The loss jumped",
  rise: "The loss rises",
  "non-finite": "Loss or gradient is not finite",
} as const;

const ANSWERS: Readonly<Record<Level, string>> = {
  good: "The answers are coherent again",
  note: "The base answers oddly itself",
  warn: "The answers look suspicious",
  bad: "The answers have collapsed",
};

const placeWords = (step: number): string => (step === 0 ? "where it began" : `update ${formatCount(step)}`);

/** The gravest thing that counts after `step` updates: what passed counts for some updates, what lasts until it is taken back. */
export function inForce(health: readonly HealthEvent[], step: number): HealthEvent | null {
  const newest = new Map(health.map((event) => [event.kind, event]));
  const counting = [...newest.values()].filter(
    (event) => event.level !== "good" && event.step > 0 && (!PASSING.has(event.kind) || step - event.step < NEWS),
  );
  const gravity = ({ level }: HealthEvent) => GRAVITY.indexOf(level);
  return counting.sort((a, b) => gravity(b) - gravity(a) || b.step - a.step)[0] ?? null;
}

interface Said {
  readonly tone: Verdict["tone"] | "info";
  readonly text: string;
}

/** The engine's words before those of the curves, which follow as facts. */
export function withHealth(curves: Verdict, event: HealthEvent | null): Said {
  if (!event) return curves;
  return { tone: LEVEL_TONES[event.level], text: `${headline(event)}. ${curves.text}` };
}

/** Events for people who watch, newest first: every skipped update after another would hide the rest, so they are one. */
export function shownEvents(health: readonly HealthEvent[]): { readonly event: HealthEvent; readonly count: number }[] {
  const shown: { event: HealthEvent; count: number }[] = [];
  for (const event of health.toReversed()) {
    const before = event.kind === "skipped" ? shown.find((one) => one.event.kind === "skipped") : undefined;
    if (before) before.count += 1;
    else shown.push({ event, count: 1 });
  }
  return shown;
}

/** Marks for the loss curve. An update that was skipped has a learning rate and no loss. */
export function marksOf(health: readonly HealthEvent[], read: (name: CurveName) => Points): ChartMark[] {
  const [all, finite] = [read("learningRate"), read("loss")];
  const good = new Set(finite.x.subarray(0, finite.count));
  const skipped = [...all.x.subarray(0, all.count)].filter((step) => !good.has(step));
  const at = (wanted: (event: HealthEvent) => boolean) => health.filter(wanted).map(({ step }) => step);
  const marks: ChartMark[] = [
    { glyph: "×", label: "skipped", at: skipped },
    { glyph: "◀", label: "put back", at: at(({ kind, rollback }) => rollback !== undefined && kind !== "gave-up") },
    { glyph: "■", label: "ended by itself", at: at(({ kind }) => kind === "gave-up" || kind === "early-stop") },
  ];
  return marks.filter((mark) => mark.at.length > 0);
}
