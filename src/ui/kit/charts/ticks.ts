/** Ticks of a logarithmic axis over less than a few decades, where powers of ten alone would be too few. Pure. */

const MOST = 8;

/** Values 1, 2, 5 times powers of ten in [low, high]; fewer of them over many decades, even steps within one octave. Both > 0. */
export function logTicks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const powers = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const inside = (value: number) => value >= low && value <= high;
  const ladder = powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`))).filter(inside);
  if (ladder.length < 3) return evenTicks(low, high);
  if (ladder.length <= MOST) return ladder;
  const decades = powers.map((power) => Number(`1e${power}`)).filter(inside);
  const every = Math.ceil(decades.length / MOST);
  return decades.filter((_, i) => i % every === 0);
}

/** Four to ten round steps. */
function evenTicks(low: number, high: number): number[] {
  const rough = (high - low) / 4;
  if (!(rough > 0)) return [low];
  const power = Math.floor(Math.log10(rough));
  const digit = [1, 2, 5].findLast((one) => one * 10 ** power <= rough) ?? 1;
  const step = digit * 10 ** power;
  const first = Math.floor(low / step);
  const count = Math.ceil((high - low) / step) + 2;
  const ticks = Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  return ticks.filter((tick) => tick >= low && tick <= high);
}
