/**
 * One rank and one scale for every layer. MLX's file and the GPU know no other; where layers differ, the relative scale
 * goes into B and shorter factors get rows and columns of zeros: the products B·A stay what they were.
 */
import { formatSetting, listed } from "../core/units.ts";
import { wholeIfClose } from "../formats/adapter-config.ts";
import { type Adapter, type AdapterFactor, scaleOf } from "./adapter.ts";

export interface Uniform {
  /** Every factor has the adapter's rank and no scale of its own. */
  readonly adapter: Adapter;
  /** What was done, in sentences; empty when nothing was. */
  readonly notes: readonly string[];
}

/** The same adapter under one rank, the largest, and one scale, the commonest. The adapter itself where it has them already. */
export function uniformAdapter(adapter: Adapter): Uniform {
  const { factors, rank } = adapter;
  const scale = commonScale(adapter);
  const narrow = factors.filter((factor) => factor.rank !== rank);
  const scaled = factors.filter((factor) => !isClose(scaleOf(adapter, factor), scale));
  if (narrow.length === 0 && scaled.length === 0 && scale === adapter.scale) return { adapter, notes: [] };
  return {
    adapter: {
      ...adapter,
      ...{ scale, alpha: wholeIfClose(scale * rank), use_rslora: false },
      factors: factors.map((factor) => padded(folded(factor, scaleOf(adapter, factor) / scale), rank)),
    },
    notes: [
      ...(narrow.length > 0
        ? [
            `${count(narrow)} rank ${list(narrow.map((factor) => factor.rank))} padded with zeros to rank ${rank}, which is exact`,
          ]
        : []),
      ...(scaled.length > 0
        ? [
            `${count(scaled)} scale ${list(scaled.map((factor) => scaleOf(adapter, factor)))} under scale ` +
              `${formatSetting(scale)}: the difference went into B, ${foldingError(adapter, scaled, scale)}`,
          ]
        : []),
    ],
  };
}

const count = (factors: readonly AdapterFactor[]) =>
  factors.length === 1 ? `${factors[0]!.module} of` : `${factors.length} layers of`;

const list = (numbers: readonly number[]) => listed([...new Set(numbers)].sort((a, b) => a - b).map(formatSetting));

function foldingError(adapter: Adapter, scaled: readonly AdapterFactor[], scale: number): string {
  const exact = scaled.every((factor) => isPowerOfTwo(scaleOf(adapter, factor) / scale));
  return exact ? "which is exact" : "rounded once to F32";
}

/** Through alpha and back a scale may come out an ulp off. */
export const isClose = (a: number, b: number) => Math.abs(a - b) <= 1e-9 * Math.abs(b);

const isPowerOfTwo = (value: number) => Number.isInteger(Math.log2(Math.abs(value)));

/** The scale that most factors have, and not 0 where any other is there: nothing can be folded into nothing. */
export function commonScale(adapter: Pick<Adapter, "scale" | "factors">): number {
  const counts = new Map<number, number>();
  for (const factor of adapter.factors) {
    const scale = scaleOf(adapter, factor);
    counts.set(scale, (counts.get(scale) ?? 0) + 1);
  }
  const [commonest] = [...counts].filter(([scale]) => scale !== 0).sort((a, b) => b[1] - a[1]);
  return commonest?.[0] ?? adapter.scale;
}

/** B · ratio in F32. The very factor where the ratio is 1, without its scale. */
export function folded({ scale: _, ...factor }: AdapterFactor, ratio: number): AdapterFactor {
  return isClose(ratio, 1) ? factor : { ...factor, B: factor.B.map((value) => value * ratio) };
}

/** A [r, in] and B [out, r] with zeros up to rank. */
function padded(factor: AdapterFactor, rank: number): AdapterFactor {
  if (factor.rank === rank) return factor;
  const { in_features, out_features } = factor;
  const A = new Float32Array(rank * in_features);
  A.set(factor.A);
  const B = new Float32Array(out_features * rank);
  for (let row = 0; row < out_features; row++) {
    B.set(factor.B.subarray(row * factor.rank, (row + 1) * factor.rank), row * rank);
  }
  return { ...factor, rank, A, B };
}

/** What a file says of each layer. */
export interface LayerScale {
  readonly factor: AdapterFactor;
  readonly scale: number;
}

/**
 * Rank, scale and factors of an adapter whose file gives each layer a scale: the commonest becomes the adapter's, the
 * other layers keep their own.
 */
export function withScales(layers: readonly LayerScale[], scale: number): Pick<Adapter, "rank" | "scale" | "factors"> {
  const own = layers.map(({ factor, scale }) => ({ ...factor, scale }));
  const common = commonScale({ scale, factors: own });
  return {
    rank: Math.max(...own.map(({ rank }) => rank)),
    scale: common,
    factors: own.map((factor) => (isClose(factor.scale, common) ? folded(factor, 1) : factor)),
  };
}
