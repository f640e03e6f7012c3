/**
 * An adapter under another rank. Fewer directions: the largest of each layer's B·A, which is the nearest product of that
 * rank (Eckart and Young 1936). More: zeros in B, so that nothing changes, and fresh rows in A, so that they can learn.
 */
import { Random } from "../core/random.ts";
import { wholeIfClose } from "../formats/adapter-config.ts";
import { type Adapter, type AdapterFactor, scaleOf } from "./adapter.ts";
import { measureAdapter } from "./audit.ts";
import { checkExportable } from "./export.ts";
import { type LowRankSvd, lowRankSvd } from "./low-rank-svd.ts";

/** What a smaller rank left out of a layer. */
export interface LayerLoss {
  readonly module: string;
  /** ‖ΔW − ΔW_r‖ / ‖ΔW‖, 0 where nothing was left out. */
  readonly error: number;
}

export interface Resized {
  readonly adapter: Adapter;
  readonly layers: readonly LayerLoss[];
  /** The same over all layers together. */
  readonly error: number;
}

/**
 * Every layer under `rank`; scales stay, so that alpha becomes scale · rank.
 * @param seed of the fresh rows
 * @throws ModelError for values that are not finite.
 */
export function resizeAdapter(given: Adapter, rank: number, seed = 0): Resized {
  const { adapter, ...loss } = truncateAdapter(given, rank);
  const random = new Random(seed);
  const factors = adapter.factors.map((factor) => grown(factor, rank, random));
  return { adapter: withRank({ ...adapter, factors }, rank), ...loss };
}

/**
 * Every layer under `rank` or less: the largest directions of those above it, and at least one.
 * @throws ModelError for values that are not finite.
 */
export function truncateAdapter(adapter: Adapter, most: number): Resized {
  checkExportable(adapter);
  let dropped = 0;
  const layers: LayerLoss[] = [];
  const factors = adapter.factors.map((factor) => {
    const { module } = factor;
    if (factor.rank <= most) {
      layers.push({ module, error: 0 });
      return factor;
    }
    const svd = lowRankSvd(factor, most);
    const [left, whole] = [svd.values.slice(most), svd.values].map(squares) as [number, number];
    layers.push({ module, error: whole > 0 ? Math.sqrt(left / whole) : 0 });
    dropped += left * scaleOf(adapter, factor) ** 2;
    return truncated(factor, svd, most);
  });
  const all = squares(measureAdapter(adapter).factors.map(({ norm_delta }) => norm_delta));
  const error = all > 0 ? Math.sqrt(dropped / all) : 0;
  const rank = Math.max(...factors.map((factor) => factor.rank));
  return { adapter: withRank({ ...adapter, factors }, rank), layers, error };
}

/** The scale stays, so alpha does not, and is divided by the rank from now on. */
function withRank(adapter: Adapter, rank: number): Adapter {
  if (adapter.rank === rank) return adapter;
  return { ...adapter, rank, alpha: wholeIfClose(adapter.scale * rank), use_rslora: false };
}

const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value ** 2, 0);

/** Beyond this share of the largest a singular value is rounding: its vectors are nothing to go on from. */
const NOTHING = 1e-12;

/** The largest directions, at most so many and none that is nothing; their sizes go into both factors alike. Of no change one row of A stays. */
function truncated(factor: AdapterFactor, { values, left, right }: LowRankSvd, most: number): AdapterFactor {
  const { in_features, out_features } = factor;
  const used = values.filter((value) => value > NOTHING * values[0]!).length;
  if (used === 0) return { ...factor, rank: 1, A: factor.A.slice(0, in_features), B: new Float32Array(out_features) };
  const rank = Math.min(most, used);
  const A = new Float32Array(rank * in_features);
  const B = new Float32Array(out_features * rank);
  for (let k = 0; k < rank; k++) {
    const size = Math.sqrt(values[k]!);
    for (let i = 0; i < in_features; i++) A[k * in_features + i] = size * right[k]![i]!;
    for (let i = 0; i < out_features; i++) B[i * rank + k] = size * left[k]![i]!;
  }
  return { ...factor, rank, A, B };
}

/** A [r, in] with rows as a fresh adapter has them, B [out, r] with zeros. The very factor where it has the rank already. */
function grown(factor: AdapterFactor, rank: number, random: Random): AdapterFactor {
  if (factor.rank === rank) return factor;
  const { in_features, out_features } = factor;
  const bound = 1 / Math.sqrt(in_features);
  const A = Float32Array.from(
    { length: rank * in_features },
    (_, i) => factor.A[i] ?? (2 * random.uniform() - 1) * bound,
  );
  const B = new Float32Array(out_features * rank);
  for (let row = 0; row < out_features; row++) {
    B.set(factor.B.subarray(row * factor.rank, (row + 1) * factor.rank), row * rank);
  }
  return { ...factor, rank, A, B };
}
