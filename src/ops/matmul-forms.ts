/**
 * Other ways to the matrix products: which rows of c an invocation makes, how it comes by their elements of a, whether
 * several share a sum, or whether a GPU's matrix units do it all. Which is faster depends on the GPU: tune.ts measures.
 */
import type { Form, Sizes } from "../gpu/kernel.ts";

export type Layout = "nt" | "nn" | "tn";

/** Large products, among them those with hundreds of rows, and those with few columns or rows, as the low-rank factors make them. */
export type SizeClass = "tall" | "wide" | "narrow";

export interface MatmulForm extends Form {
  readonly layout: Layout;
  readonly size: SizeClass;
}

interface Shape {
  readonly name: string;
  readonly size: SizeClass;
  /** Those it is for; absent: all. */
  readonly layouts?: readonly Layout[];
  readonly subgroup?: Form["subgroup"];
  readonly units?: number;
  readonly shader?: string;
  readonly constants: Sizes;
  readonly pieces: Form["pieces"];
}

const rows = (count: number, ...pieces: readonly string[]) => ({ "rows-direct": pieces, "sums-4": [`sums-${count}`] });
const HANDED = ["hand-round", "rows-broadcast"];

/** Of 64 invocations, subgroups of `size` make 32 rows of size columns each: COLS blocks of eight. */
const units = (size: number): Shape => ({
  ...{ name: `units-${size}`, size: "wide", units: size, shader: "lib/product-units" },
  constants: { WX: 16, ROWS: 8, COLS: size / 8 },
  pieces: { "rows-direct": [], "sums-4": [], "sum-own": ["units-f32"] },
});

/** A workgroup of WX vec4 columns and 64/WX times sixteen rows. */
const sixteen = (WX: number, ...pieces: readonly string[]) =>
  ({ size: "wide", constants: { WX, ROWS: 16 }, pieces: rows(16, ...pieces) }) as const;

/** Of those that a device has chosen, the first that suits a product makes it. */
const SHAPES: readonly Shape[] = [
  // Half as many walk along a column of w or b, whose every step may lie in another page of memory.
  {
    ...{ name: "tall", size: "tall", layouts: ["nn", "tn"], subgroup: [8, 8], constants: { WX: 8, ROWS: 32 } },
    pieces: rows(32, "hand-round", "rows-broadcast-32"),
  },
  { name: "eight", size: "wide", constants: { ROWS: 8 }, pieces: rows(8, "rows-eight") },
  // Less than half the loads for each product.
  { name: "broadcast", subgroup: [8, 64], ...sixteen(64, ...HANDED) },
  // Nearer to a square: fewer loads still. All of a subgroup must lie in one row of the workgroup.
  { name: "square-16", subgroup: [8, 16], ...sixteen(16, ...HANDED) },
  { name: "square-32", subgroup: [32, 32], ...sixteen(32, ...HANDED) },
  { name: "staged", ...sixteen(64, "rows-staged") },
  { name: "staged-16", ...sixteen(16, "rows-staged") },
  // Sixteen times the invocations, where there would be too few for a GPU.
  { name: "shared", size: "narrow", constants: { WX: 2, SHARE: 16 }, pieces: { "sum-own": ["sum-shared"] } },
  ...[8, 16, 32, 64].map(units),
];

/** Rows and columns of c, and the length of the sum. */
function extents(layout: Layout, { rows = 0, n = 0, k = 0 }: Sizes) {
  return layout === "tn" ? { height: k, width: n, depth: rows } : { height: rows, width: n, depth: k };
}

const LEAST_WIDTH = 128;
const LEAST_HEIGHT = 16;
/** Rows of a tall workgroup: with fewer, most of one would idle. */
const TALL = 256;
const MOST_NARROW = 64;
const LEAST_DEPTH = 128;

/** Where a class has its place. Members side by side must not begin within the columns of a that one invocation of tn reads. */
function suits(layout: Layout, size: SizeClass, sizes: Sizes): boolean {
  const { height, width, depth } = extents(layout, sizes);
  const narrow = width <= MOST_NARROW || (layout === "tn" && height <= MOST_NARROW);
  if (size === "narrow") return narrow && depth >= LEAST_DEPTH;
  const together = layout !== "tn" || 4 * (sizes.begin_1 ?? 0) >= height;
  return !narrow && together && width >= LEAST_WIDTH && height >= (size === "tall" ? TALL : LEAST_HEIGHT);
}

export const formsOf = (layout: Layout): readonly MatmulForm[] =>
  SHAPES.filter(({ layouts = [layout] }) => layouts.includes(layout)).map(
    ({ name, layouts: _, subgroup = null, units = 0, ...shape }) => ({
      ...shape,
      ...{ name: `${layout} ${name}`, layout, subgroup, units },
      suits: (sizes) => suits(layout, shape.size, sizes),
    }),
  );
