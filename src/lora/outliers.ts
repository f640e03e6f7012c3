/** Layers whose change stands far out from that of the others of their kind: often the first sign of a broken export. */
import { median, robustDeviation } from "../core/robust.ts";
import { splitModule } from "./adapter.ts";

export interface LayerSize {
  readonly module: string;
  /** ‖ΔW‖ */
  readonly norm_delta: number;
}

/** Beyond this a layer is an outlier (Iglewicz and Hoaglin, How to detect and handle outliers, 1993). */
const OUTLYING = 3.5;
/** Of fewer layers nobody can say what is usual. */
const FEWEST = 5;
/** Within this factor of the median nothing is an outlier, however alike the others are. */
const USUAL_FACTOR = 2;

/**
 * Robust z of each layer: how far the logarithm of its ‖ΔW‖ is from the median of its kind (q_proj with q_proj, of all
 * blocks), in units of 1.4826 × the median distance, at least as large as makes a factor of two come to 3.5.
 * null: zero or not finite, or fewer than five such layers.
 */
export function robustZ(layers: readonly LayerSize[]): (number | null)[] {
  const kinds = new Map<string, number[]>();
  const usable = (norm: number) => Number.isFinite(norm) && norm > 0;
  for (const { module, norm_delta } of layers) {
    const { key } = splitModule(module);
    if (usable(norm_delta)) kinds.set(key, [...(kinds.get(key) ?? []), Math.log(norm_delta)]);
  }
  return layers.map(({ module, norm_delta }) => {
    const logs = kinds.get(splitModule(module).key) ?? [];
    if (logs.length < FEWEST || !usable(norm_delta)) return null;
    return (Math.log(norm_delta) - median(logs)) / Math.max(robustDeviation(logs), Math.log(USUAL_FACTOR) / OUTLYING);
  });
}

export const isOutlier = (z: number | null): boolean => z !== null && Math.abs(z) > OUTLYING;
