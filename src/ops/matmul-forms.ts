/**
 * Other ways to the matrix products: which rows of c an invocation makes, how it comes by their elements of a, and whether
 * several share a sum. Which is faster depends on the GPU: tune.ts measures.
 */
import type { Form, Sizes } from "../gpu/kernel.ts";

export type Layout = "nt" | "nn" | "tn";

/** Large products and those with few columns or rows, as the low-rank factors make them. */
export type SizeClass = "wide" | "narrow";

export interface MatmulForm extends Form {
  readonly layout: Layout;
  readonly size: SizeClass;
}

interface Shape {
  readonly name: string;
  readonly size: SizeClass;
  readonly subgroup?: number;
  readonly constants: Sizes;
  readonly pieces: Readonly<Record<string, string>>;
}

const rows = (name: string, count: number) => ({ "rows-direct": `rows-${name}`, "sums-4": `sums-${count}` });

const SHAPES: readonly Shape[] = [
  { name: "eight", size: "wide", constants: { ROWS: 8 }, pieces: rows("eight", 8) },
  // Less than half the loads for each product.
  { name: "broadcast", size: "wide", subgroup: 8, constants: { WX: 64, ROWS: 16 }, pieces: rows("broadcast", 16) },
  { name: "staged", size: "wide", constants: { WX: 64, ROWS: 16 }, pieces: rows("staged", 16) },
  // Sixteen times the invocations, where there would be too few for a GPU.
  { name: "shared", size: "narrow", constants: { WX: 2, SHARE: 16 }, pieces: { "sum-own": "sum-shared" } },
];

/** Rows and columns of c, and the length of the sum. */
function extents(layout: Layout, { rows = 0, n = 0, k = 0 }: Sizes) {
  return layout === "tn" ? { height: k, width: n, depth: rows } : { height: rows, width: n, depth: k };
}

const LEAST_WIDTH = 128;
const LEAST_HEIGHT = 16;
const MOST_NARROW = 64;
const LEAST_DEPTH = 128;

/** Where a class has its place. Members side by side must not begin within the columns of a that one invocation of tn reads. */
function suits(layout: Layout, size: SizeClass, sizes: Sizes): boolean {
  const { height, width, depth } = extents(layout, sizes);
  const narrow = width <= MOST_NARROW || (layout === "tn" && height <= MOST_NARROW);
  if (size === "narrow") return narrow && depth >= LEAST_DEPTH;
  const together = layout !== "tn" || 4 * (sizes.begin_1 ?? 0) >= height;
  return !narrow && together && width >= LEAST_WIDTH && height >= LEAST_HEIGHT;
}

export const formsOf = (layout: Layout): readonly MatmulForm[] =>
  SHAPES.map(({ name, size, subgroup = 0, constants, pieces }) => ({
    ...{ name: `${layout} ${name}`, layout, size, subgroup, constants, pieces },
    suits: (sizes) => suits(layout, size, sizes),
  }));
