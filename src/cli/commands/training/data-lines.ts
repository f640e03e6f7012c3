/** A data report as lines for people: what was kept, what was cut, what was left out and where it stands. */

import { formatCount } from "../../../core/units.ts";
import type { DatasetReport } from "../../../data/encode.ts";

/** "240 of 256 records, 12,345 tokens (4,321 with loss), 20 to 80 tokens long" */
export function keptLine({ records, kept, tokens, supervised, length }: DatasetReport): string {
  const long = length.min === length.max ? `${length.max}` : `${formatCount(length.min)} to ${formatCount(length.max)}`;
  return (
    `${formatCount(kept)} of ${formatCount(records)} records, ${formatCount(tokens)} tokens ` +
    `(${formatCount(supervised)} with loss), ${long} tokens long`
  );
}

/** One line for the records that were cut and one for each reason to leave records out; none where all is well. */
export function leftOut({ truncated, dropped }: DatasetReport, maxSeqLength: number): string[] {
  const lines = truncated.length > 0 ? [`${count(truncated)} cut to ${maxSeqLength} tokens: ${where(truncated)}`] : [];
  for (const [reason, at] of Object.entries(dropped)) {
    if (at.length > 0) lines.push(`${count(at)} left out, ${reason}: ${where(at)}`);
  }
  return lines;
}

const SHOWN = 12;

const count = (lines: readonly number[]) => `${formatCount(lines.length)} ${lines.length === 1 ? "record" : "records"}`;

function where(lines: readonly number[]): string {
  const more = lines.length > SHOWN ? ` and ${formatCount(lines.length - SHOWN)} more` : "";
  return `${lines.length === 1 ? "line" : "lines"} ${lines.slice(0, SHOWN).join(", ")}${more}`;
}
