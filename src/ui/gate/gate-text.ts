/** What the support gate says: whether this browser can train, what is missing, and what to do about it. Pure. */
import type { ErrorData } from "../../core/errors.ts";
import { formatBytes, formatCount, formatDuration } from "../../core/units.ts";
import type { Opening, SelfTestResult, StorageState, SupportRow } from "../../worker/protocol.ts";

export type Gate =
  | { readonly kind: "looking" }
  | { readonly kind: "broken"; readonly title: string; readonly error: ErrorData }
  | { readonly kind: "blocked"; readonly opening: Opening; readonly error: ErrorData }
  | { readonly kind: "ready"; readonly opening: Opening };

/** `broken`: the worker could not start, or broke off. */
export function gateOf(opening: Opening | null, broken: ErrorData | null): Gate {
  if (broken) {
    const title = `The part of this page that trains ${opening ? "has stopped" : "could not start"}`;
    return { kind: "broken", title, error: broken };
  }
  if (!opening) return { kind: "looking" };
  return opening.blocked ? { kind: "blocked", opening, error: opening.blocked } : { kind: "ready", opening };
}

export const LOOKING = "Looking at this browser and its GPU";

/** "Apple M2, 8 of 8 checks passed" */
export function readyDetail({ support, selfTests }: Opening): string {
  const name = support.adapter?.name ?? "unnamed GPU";
  return selfTests.length === 0 ? name : `${name}, ${passedTests(selfTests)}`;
}

export function passedTests(selfTests: readonly SelfTestResult[]): string {
  return `${selfTests.filter(({ passed }) => passed).length} of ${selfTests.length} checks passed`;
}

/** What works, but not as one would wish: a sentence each. */
export function reservations({ support, storage }: Opening): string[] {
  return [
    ...(support.adapter?.software ? ["It computes on the processor: everything works, many times slower."] : []),
    ...(storage.lasting ? [] : ["Nothing outlives this tab: download the adapter before you close it."]),
  ];
}

/** Why nothing can be trained, in a few words. */
export function blockedTitle({ support, blocked }: Opening): string {
  if (blocked?.code === "self-test-failed") return "This GPU or browser computes wrongly, so nothing is trained on it";
  if (support.verdict.state === "blocked") return support.verdict.reason;
  return "Nothing can be trained in this browser";
}

/** What to do, a sentence each. */
export function blockedAdvice({ support, blocked }: Opening): string[] {
  const remedy = support.verdict.state === "blocked" ? support.verdict.remedy : (blocked?.hint ?? "");
  const why =
    blocked?.code === "self-test-failed"
      ? ["A kernel that computes wrongly would train a wrong adapter without a word."]
      : [];
  return [...why, ...(remedy ? [remedy] : [])];
}

/** "3.0e-7 of 1.0e-4", or "none" where not the least error is allowed and none was made. */
export function errorWords({ error, tolerance }: SelfTestResult): string {
  if (error === 0 && tolerance === 0) return "none";
  const found = Number.isFinite(error) ? error.toExponential(1) : "no number";
  return `${found} of ${tolerance.toExponential(1)}`;
}

export const timeWords = ({ milliseconds }: SelfTestResult): string => formatDuration(milliseconds / 1000);

/** "1.1 GB", "8", "Yes", "Unknown". */
export function hereWords({ value, unit }: SupportRow): string {
  if (value === null) return "Unknown";
  if (typeof value === "boolean") return value ? "Yes" : "No";
  return unit === "bytes" ? formatBytes(value) : formatCount(value);
}

/** "134 MB", "Yes", "Not needed". */
export function neededWords({ needed, unit }: SupportRow): string {
  if (needed === null) return "Not needed";
  if (needed === true) return "Yes";
  return unit === "bytes" ? formatBytes(needed) : formatCount(needed);
}

/** How a row stands: met, missing and in the way, missing and not needed. */
export function rowState({ ok, value, needed }: SupportRow): "met" | "missing" | "without" {
  if (!ok) return "missing";
  return needed === null && value !== true ? "without" : "met";
}

/** "Kept in this browser on this machine. 1.6 GB of 48 GB used." */
export function storageWords({ note, usedBytes, quotaBytes }: StorageState): string {
  if (usedBytes === null) return note;
  const of = quotaBytes === null ? "" : ` of ${formatBytes(quotaBytes)}`;
  return `${note} ${formatBytes(usedBytes)}${of} used.`;
}
