/** Long curves shortened for drawing, without losing a spike: every bucket keeps its lowest and its highest point. Pure. */
import type { Points } from "./points.ts";

/**
 * At most `most` points of the curve, in order, the first and last among them. Short curves come back as they are. A
 * bucket's non-finite values give way to its finite ones; a bucket of nothing else stays a gap.
 */
export function decimate(points: Points, most: number): Points {
  const { x, y, count } = points;
  if (count <= most) return points;
  const buckets = Math.max(1, Math.floor((most - 2) / 2));
  const keep: number[] = [0];
  const add = (index: number) => {
    if (index > (keep.at(-1) ?? -1)) keep.push(index);
  };
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = Math.floor((bucket * count) / buckets);
    const to = Math.floor(((bucket + 1) * count) / buckets);
    const [low, high] = extremes(y, from, to);
    add(Math.min(low, high));
    add(Math.max(low, high));
  }
  add(count - 1);
  return { x: Float64Array.from(keep, (i) => x[i]!), y: Float64Array.from(keep, (i) => y[i]!), count: keep.length };
}

/** Where y is lowest and highest in [from, to). Both `from` where nothing is finite. */
function extremes(y: Float64Array, from: number, to: number): [number, number] {
  let low = -1;
  let high = -1;
  for (let i = from; i < to; i++) {
    const value = y[i]!;
    if (!Number.isFinite(value)) continue;
    if (low < 0 || value < y[low]!) low = i;
    if (high < 0 || value > y[high]!) high = i;
  }
  return low < 0 ? [from, from] : [low, high];
}
