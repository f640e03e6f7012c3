/** Values to shares of colour. Pure. */

export interface Levels {
  readonly low: number;
  readonly high: number;
  /** 0 to 100; a constant picture is in the middle. Values outside [low, high] are kept inside. */
  level(value: number): number;
}

/** The scale of the finite values, logarithmic on request (of those above zero). Null where there are none. */
export function levelsOf(values: readonly (number | null)[], log = false): Levels | null {
  const usable = values.filter(
    (value): value is number => value !== null && Number.isFinite(value) && (!log || value > 0),
  );
  if (usable.length === 0) return null;
  const low = Math.min(...usable);
  const high = Math.max(...usable);
  const place = log ? Math.log : (value: number) => value;
  const span = place(high) - place(low);
  const level = (value: number) => {
    if (span === 0) return 50;
    return 100 * ((place(Math.min(high, Math.max(low, value))) - place(low)) / span);
  };
  return { low, high, level };
}
