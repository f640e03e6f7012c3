/** What the curves show, in words: under each picture, and for readers who cannot see it. Pure. */
import { formatCount } from "../core/units.ts";
import { isApplied, lossSpan } from "./course.ts";
import type { ReportInput } from "./input.ts";
import { counted, measured } from "./words.ts";

/** "Training loss from 2.31 to 1.42 over 20 updates. Validation loss from 2.30 before training to 1.55 after update 20." */
export function lossSummary({ validations, health }: ReportInput, kept: ReportInput["steps"]): string {
  const span = lossSpan(kept);
  const skipped = kept.filter((step) => !isApplied(step)).length;
  const rollbacks = health.filter(({ rollback }) => rollback).length;
  return [
    trainingSentence(span, kept.length),
    validationSentence(validations),
    skipped > 0 && `${counted(skipped, "update")} skipped because loss or gradient was not finite.`,
    rollbacks > 0 && `Rolled back ${rollbacks === 1 ? "once" : `${formatCount(rollbacks)} times`}.`,
  ]
    .filter(Boolean)
    .join(" ");
}

function trainingSentence(span: ReturnType<typeof lossSpan>, count: number): string {
  if (count === 0) return "No update was made.";
  if (!span) return `None of ${counted(count, "update")} had a finite loss.`;
  if (count === 1) return `Training loss ${measured(span.from)} at the only update.`;
  return `Training loss from ${measured(span.from)} to ${measured(span.to)} over ${counted(count, "update")}.`;
}

function validationSentence(validations: ReportInput["validations"]): string | null {
  const when = (step: number) => (step === 0 ? "before training" : `after update ${formatCount(step)}`);
  const [first] = validations;
  const last = validations.at(-1);
  if (!first || !last) return null;
  const lead = `Validation loss ${first === last ? "" : "from "}${measured(first.loss)} ${when(first.step)}`;
  if (first === last) return `${lead}.`;
  const best = validations.filter((one) => one.best).at(-1);
  const lowest = best && best !== last ? `, lowest ${measured(best.loss)} ${when(best.step)}` : "";
  return `${lead} to ${measured(last.loss)} ${when(last.step)}${lowest}.`;
}

/** "From 0.84 to 0.91, between 0.61 and 2.10." Values that are no numbers are counted. */
export function rangeSummary(values: readonly number[], format: (value: number) => string): string {
  const finite = values.filter((value) => Number.isFinite(value));
  const lost = values.length - finite.length;
  const note = lost > 0 ? ` ${counted(lost, "value")} not finite.` : "";
  if (finite.length === 0) return `Nothing measured.${note}`;
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  if (finite.length === 1) return `${format(finite[0]!)}, measured once.${note}`;
  return `From ${format(finite[0]!)} to ${format(finite.at(-1)!)}, between ${format(low)} and ${format(high)}.${note}`;
}
