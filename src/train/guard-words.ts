/** What the guard has done, in words. */
import { formatNumber, formatSetting } from "../core/units.ts";
import type { Alarm } from "../health/trend.ts";
import type { HealthEvent, StepEvent } from "./events.ts";
import type { Guard } from "./guard.ts";

/** A clause as a sentence. */
export const sentence = (clause: string): string =>
  `${clause[0]!.toUpperCase()}${clause.slice(1).replace(/[.]$/, "")}.`;

/** `step`: updates submitted when it is told, as in all of these. */
export function describeSkip(
  { step: update, loss, gradNorm, supervisedTokens }: Omit<StepEvent, "seconds">,
  step: number,
): HealthEvent {
  const told = { type: "health", step, kind: "skipped", level: "warn" } as const;
  if (supervisedTokens === 0) {
    const text = `Update ${update} was left out: no token of its records carries loss.`;
    return { ...told, text, fix: "Look at these records: their answers are empty, or are not taken for answers." };
  }
  const what = Number.isFinite(loss) ? `its gradient norm is ${gradNorm}` : `its loss is ${loss}`;
  const text = `Update ${update} was skipped before anything was written: ${what}.`;
  return { ...told, text, fix: "One such batch does no harm. If it happens again, lower the learning rate." };
}

/** `peak`: the learning rate the run was given. */
export function describeRollback(
  alarm: Alarm,
  step: number,
  toStep: number,
  { rateFactor, rollbacks, exhausted }: Guard,
  peak: number,
): HealthEvent {
  const rollback = { toStep, rateFactor, skippedUpdate: alarm.onset };
  const back = toStep === 0 ? "where it began" : `update ${toStep}`;
  const rate = formatSetting(Number((peak * rateFactor).toPrecision(2)));
  const told = { type: "health", step, level: "bad", rollback } as const;
  if (exhausted) {
    const text = `${sentence(alarm.text)} It had been put back ${rollbacks - 1} times before, so the run ends here, with the adapter as it was at ${back}.`;
    return { ...told, kind: "gave-up", text, fix: `Train again with a learning rate of ${rate} or less.` };
  }
  const text =
    `${sentence(alarm.text)} The adapter was put back to ${back}; the records of update ${alarm.onset} and those since are left out, ` +
    `and the learning rate is halved to a peak of ${rate}.`;
  return { ...told, kind: alarm.kind, level: "warn", text, fix: `If it happens again, begin with ${rate}.` };
}

export function describeEarlyStop(
  step: number,
  patience: number,
  best: { step: number; loss: number } | null,
): HealthEvent {
  const kept = best ? `; the adapter of update ${best.step} is kept, with ${formatNumber(best.loss)}` : "";
  const text = `The validation loss has had no new lowest for ${patience} measurements, so the run ends at update ${step}${kept}.`;
  return { type: "health", step, kind: "early-stop", level: "note", text };
}
