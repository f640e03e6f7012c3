/** Times → ratios: each case beside the fastest library, all of them together, and where we are slowest. Pure. */
import type { ProductCase } from "./compare-products.ts";
import type { Layout } from "./product-sizes.ts";

export interface RatedCase extends ProductCase {
  /** Our rate over that of the fastest library; null where no library gave a right result. */
  readonly ratio: number | null;
  readonly fastest: string | null;
  /** Our rate over our own for NT of this size. */
  readonly overForward: number;
}

export interface ProductSummary {
  readonly cases: readonly RatedCase[];
  readonly geometricMean: number | null;
  readonly lowest: RatedCase | null;
  /** Our own ratios to NT, by layout. */
  readonly overForward: Readonly<Record<Exclude<Layout, "NT">, OverForward>>;
}

export interface OverForward {
  readonly geometricMean: number;
  readonly lowest: RatedCase;
}

/** `cases` must hold every layout of each size. */
export function summarize(cases: readonly ProductCase[]): ProductSummary {
  const forward = new Map(cases.filter(({ layout }) => layout === "NT").map((one) => [sizeKey(one), one.ours]));
  const rated = cases.map((one): RatedCase => {
    const [fastest, seconds] = fastestOf(one);
    const ratio = fastest === null ? null : seconds / one.ours;
    return { ...one, ratio, fastest, overForward: forward.get(sizeKey(one))! / one.ours };
  });
  const ratios = rated.flatMap(({ ratio }) => (ratio === null ? [] : [ratio]));
  const withRatio = rated.filter(({ ratio }) => ratio !== null);
  const overForward = (layout: Layout): OverForward => {
    const own = rated.filter((one) => one.layout === layout);
    return {
      geometricMean: geometricMean(own.map((one) => one.overForward)),
      lowest: smallest(own, (one) => one.overForward)!,
    };
  };
  return {
    cases: rated,
    geometricMean: ratios.length === 0 ? null : geometricMean(ratios),
    lowest: smallest(withRatio, ({ ratio }) => ratio!),
    overForward: { NN: overForward("NN"), TN: overForward("TN") },
  };
}

const geometricMean = (ratios: readonly number[]) =>
  Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);

const sizeKey = (one: ProductCase) => [one.tokens, one.in, one.out].join(" ");

function fastestOf({ theirs }: ProductCase): [name: string | null, seconds: number] {
  let best: [string | null, number] = [null, Number.POSITIVE_INFINITY];
  for (const [name, time] of Object.entries(theirs)) {
    if ("seconds" in time && time.seconds < best[1]) best = [name, time.seconds];
  }
  return best;
}

function smallest<T>(items: readonly T[], value: (item: T) => number): T | null {
  return items.reduce<T | null>((low, one) => (low === null || value(one) < value(low) ? one : low), null);
}
