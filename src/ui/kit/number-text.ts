/** Numbers as people type them, and the steps of arrow keys. Pure. */

export interface NumberRule {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** Added by an arrow key; without it whole numbers go by 1, others along 1, 2, 5, 10. */
  readonly step?: number | undefined;
  readonly integer?: boolean | undefined;
}

/**
 * "2e-4", "0.5", "1,000", "0,5", "1 000" → a number; anything else → NaN. One comma is a decimal comma unless it groups
 * thousands ("1,000", but not "0,125").
 */
export function parseNumber(text: string): number {
  const bare = text.replace(/[\s_\u00a0\u202f']/g, "").replace("\u2212", "-");
  const grouped = /^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$/.test(bare);
  const plain = grouped ? bare.replaceAll(",", "") : bare.replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : Number.NaN;
}

/** Why a typed text is not acceptable, in words, or null. */
export function numberProblem(text: string, { min, max, integer }: NumberRule): string | null {
  const value = parseNumber(text);
  if (Number.isNaN(value)) return text.trim() === "" ? "Enter a number." : `“${text.trim()}” is not a number.`;
  if (integer && !Number.isInteger(value)) return "Enter a whole number.";
  if (min !== undefined && value < min) return `The smallest is ${min}.`;
  if (max !== undefined && value > max) return `The largest is ${max}.`;
  return null;
}

/** The next value up (+1) or down (−1), kept inside the rule. */
export function stepNumber(value: number, direction: 1 | -1, rule: NumberRule): number {
  const step = rule.step ?? (rule.integer ? 1 : undefined);
  const next = step === undefined ? ladder(value, direction) : roundTo(value + direction * step, step);
  return Math.min(rule.max ?? Number.POSITIVE_INFINITY, Math.max(rule.min ?? Number.NEGATIVE_INFINITY, next));
}

/** Sums of decimal steps without 0.30000000000000004. */
function roundTo(value: number, step: number): number {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(step))));
  return Number(value.toFixed(Math.min(20, digits)));
}

/** Along … 1e-4, 2e-4, 5e-4, 1e-3 …; from 0 nothing but 0 is a neighbour, so a first rung is given. */
function ladder(value: number, direction: 1 | -1): number {
  if (value === 0) return direction > 0 ? 1e-5 : 0;
  const size = Math.abs(value);
  const outward = direction * Math.sign(value) > 0;
  const power = Math.floor(Math.log10(size) + 1e-9);
  const rungs = [-1, 0, 1].flatMap((shift) => [1, 2, 5].map((digit) => Number(`${digit}e${power + shift}`)));
  const near = outward
    ? rungs.find((rung) => rung > size * (1 + 1e-9))
    : rungs.findLast((rung) => rung < size * (1 - 1e-9));
  return Math.sign(value) * (near ?? size);
}
