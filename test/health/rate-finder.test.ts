/** Curves of which one knows what they say: the rate is named where it should be, and none where there is nothing to read. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { hasBlownUp, type RatePoint, suggestRate } from "../../src/health/rate-finder.ts";

const START = 2;

const sweep = (loss: (rate: number, i: number) => number, { from = 1e-5, to = 1, count = 60 } = {}): RatePoint[] =>
  Array.from({ length: count }, (_, i) => {
    const rate = from * (to / from) ** (i / (count - 1));
    return { rate, loss: loss(rate, i) };
  });

/** Falls along a logistic curve in ln(rate), steepest at `middle`; from `turn` on it rises with the rate. */
const valley =
  (middle: number, turn: number, depth = 1.4) =>
  (rate: number): number => {
    const fallen = START - depth / (1 + (middle / rate) ** 2);
    return rate <= turn ? fallen : fallen + 2 * Math.log(rate / turn);
  };

const noisy = (loss: (rate: number) => number, size: number, seed = 1) => {
  const random = new Random(seed);
  return (rate: number) => loss(rate) + size * (2 * random.uniform() - 1);
};

/** What the demo model did with 20 rates from 1e-4 to 0.1 (seed 0, batch 8, kept-out records). */
const DEMO_COARSE = [
  1.9851, 1.9741, 1.959, 1.9357, 1.8991, 1.8428, 1.754, 1.6047, 1.3668, 1.0577, 0.7762, 0.7725, 1.2182, 1.0063, 0.5702,
  1.2574, 2.7175, 5.4454,
].map((loss, i) => ({ rate: 1e-4 * 1000 ** (i / 19), loss }));

/** And with 60 from 6e-5 to 0.15, on validation records. It rises once and recovers before it turns for good. */
const DEMO_FINE = [
  1.95, 1.94, 1.94, 1.93, 1.92, 1.91, 1.9, 1.88, 1.86, 1.84, 1.82, 1.79, 1.76, 1.72, 1.67, 1.61, 1.55, 1.47, 1.38, 1.28,
  1.17, 1.05, 0.93, 0.816, 0.746, 0.785, 0.911, 1.04, 1.1, 1.04, 0.89, 0.708, 0.561, 0.486, 0.475, 0.484, 0.477, 0.462,
  0.48, 0.52, 0.536, 0.636, 0.618, 0.694, 0.856, 1.15, 1.12, 1.3, 2.01,
].map((loss, i) => ({ rate: 6e-5 * 2500 ** (i / 59), loss }));

/** What a tiny model with random weights (loss 7.698) did from 0.5 on: broken at once, then learning something after all. */
const MENDED = [7.98, 8.008, 7.905, 7.276, 7.077, 7.058, 6.926, 6.81, 6.668, 6.778, 6.733, 6.661].map((loss, i) => ({
  rate: 0.5 * 1.055 ** i,
  loss,
}));

describe("a sweep that turns", () => {
  it.each([
    ["wide", 1e-3, 1e-2],
    ["at low rates", 1e-4, 2e-3],
    ["at high rates", 2e-2, 3e-1],
  ])("is answered between where the loss falls fastest and a quarter of the turn: %s", (_, middle, turn) => {
    const found = suggestRate(sweep(valley(middle, turn)), START);
    expect(found.steepestAt! / middle).toBeGreaterThan(0.7);
    expect(found.steepestAt! / middle).toBeLessThan(1.4);
    expect(found.rate!).toBeGreaterThan(middle);
    expect(found.rate!).toBeLessThanOrEqual(turn / 4);
    expect(found.fallsAt!).toBeLessThan(found.steepestAt!);
    expect(found.bestAt! / turn).toBeGreaterThan(0.3);
    expect(found.bestAt! / turn).toBeLessThan(1.5);
    expect(found).toMatchObject({ turned: true });
    expect(found.reason).toMatch(
      /^the loss fell fastest at \S+ and was lowest at \S+ \(from 2\.000 to 0\.\d+\): well below/,
    );
  });

  it("stays at a quarter of the rate at its lowest where the loss falls fastest just before", () => {
    const found = suggestRate(sweep(valley(1e-2, 1e-2)), START);
    expect(found.rate! / (found.bestAt! / 4)).toBeCloseTo(1, 1);
    expect(found.rate!).toBeLessThan(found.steepestAt!);
  });

  it("stays near the fall where the bottom is long and level, and just above it lowest", () => {
    const basin = (rate: number) => valley(1e-4, 1e-1)(rate) - 1e-4 * Math.log(rate);
    const found = suggestRate(sweep(basin), START);
    expect(found.bestAt!).toBeGreaterThan(1e-2);
    expect(found.rate! / found.steepestAt!).toBeCloseTo(3, 0);
  });

  it.each([
    ["coarse", DEMO_COARSE, 1.9925],
    ["fine", DEMO_FINE, 1.9526],
  ])(
    "of the demo model, %s, names a rate near those that its author found good, before its first rise",
    (_, points, start) => {
      const found = suggestRate(points, start);
      expect(found.rate!).toBeGreaterThan(1e-3);
      expect(found.rate!).toBeLessThan(4.5e-3);
      expect(found.rate!).toBeLessThan(found.bestAt! / 3.9);
      expect(found.divergedAt! / 0.034).toBeCloseTo(1, 1);
    },
  );

  it.each([1, 2, 3, 4, 5])("is read through noise a fifteenth of the fall, seed %d", (seed) => {
    const found = suggestRate(sweep(noisy(valley(1e-3, 1e-2), 0.09, seed)), START);
    expect(found.rate! / 1e-3).toBeGreaterThan(1 / 4);
    expect(found.rate! / 1e-3).toBeLessThan(3);
  });
});

it("a sweep that ends while the loss falls is answered, with word that more may be possible", () => {
  const found = suggestRate(sweep(valley(1e-2, 1), { to: 3e-2 }), START);
  expect(found.turned).toBe(false);
  expect(found.reason).toContain("a higher rate may do as well");
  expect(found.rate! / 1e-2).toBeGreaterThan(0.7);
  expect(found.rate! / 1e-2).toBeLessThan(1.4);
});

describe("no rate is named", () => {
  const flat = () => START;
  it.each([
    ["for a flat curve", sweep(flat), /^flat: .* higher rate/],
    ["for a fall too small to matter", sweep(valley(1e-3, 1, 0.02)), /^flat/],
    ["for noise around nothing", sweep(noisy(flat, 0.5)), /^(too noisy|the loss rises)/],
    ["for a fall that noise swallows", sweep(noisy(valley(1e-2, 1, 0.3), 0.6)), /^(too noisy|the loss rises)/],
    [
      "where the loss only rises",
      sweep((rate) => START + 20 * rate, { from: 1e-3 }),
      /begin the sweep at a lower rate/,
    ],
    ["where the second loss is not a number", sweep((_, i) => (i > 0 ? Number.NaN : 2)), /blew up within 2 updates/],
    ["where the first is far above the start", sweep(() => 9), /blew up within 1 updates/],
    ["for too few points", sweep(valley(1e-3, 1), { count: 5 }), /5 points are too few/],
    ["for none at all", [], /0 points are too few/],
    ["where the damage is done at once and then half mended", MENDED, /moves from the very first rates on/, 7.698],
    ["where the first rate does it all", sweep((_, i) => 1 + 0.01 * i), /moves from the very first rates on/],
  ])("%s", (_, points, reason, start = START) => {
    const found = suggestRate(points, start);
    expect(found.rate).toBeNull();
    expect(found.reason).toMatch(reason);
  });
});

describe("a blow-up", () => {
  it.each([
    ["four times the lowest", [1, 0.4, 1.7], true],
    ["nearly four times the lowest", [1, 0.4, 1.5], false],
    ["half as much again as the start", [2, 3.1], true],
    ["a little above the start", [2, 2.9], false],
    ["no number", [2, Number.NaN], true],
    ["infinite", [2, Number.POSITIVE_INFINITY], true],
    ["nothing yet", [], false],
  ])("%s", (_, losses, expected) => {
    expect(hasBlownUp(losses, START)).toBe(expected);
  });
});

it("whatever the curve, a rate that is named lies in the sweep, below a quarter of the rate at its lowest and below where it blew up", () => {
  const loss = fc.oneof(fc.double({ min: 0, max: 12, noNaN: true }), fc.constantFrom(Number.NaN, Infinity, 0));
  fc.assert(
    fc.property(fc.array(loss, { maxLength: 60 }), fc.double({ min: 0.5, max: 12, noNaN: true }), (losses, start) => {
      const points = losses.map((value, i) => ({ rate: 1e-6 * 1.2 ** i, loss: value }));
      const { rate, turned, bestAt, divergedAt, reason } = suggestRate(points, start);
      expect(reason).not.toMatch(/NaN|undefined|Infinity/);
      if (rate === null) return;
      expect(rate).toBeLessThanOrEqual(points.at(-1)!.rate * 1.05);
      if (turned) expect(rate).toBeLessThanOrEqual((bestAt! / 4) * 1.05);
      if (divergedAt !== null) expect(rate).toBeLessThan(divergedAt);
    }),
  );
});
