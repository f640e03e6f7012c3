import fc from "fast-check";
import { expect, it } from "vitest";
import { decimate } from "../../../../src/ui/kit/charts/decimate.ts";

const curve = (y: readonly number[]) => ({
  x: Float64Array.from(y, (_, i) => i),
  y: Float64Array.from(y),
  count: y.length,
});

it("leaves short curves as they are", () => {
  const short = curve([1, 2, 3]);
  expect(decimate(short, 3)).toBe(short);
});

it("keeps a spike that every n-th point would miss", () => {
  const y = Array.from({ length: 30_000 }, (_, i) => (i === 12_345 ? 50 : i === 20_001 ? -50 : Math.sin(i)));
  const thin = decimate(curve(y), 4000);
  expect(thin.count).toBeLessThanOrEqual(4000);
  expect(thin.y).toContain(50);
  expect(thin.y).toContain(-50);
  expect([thin.x[0], thin.x[thin.count - 1]]).toEqual([0, 29_999]);
  expect(y.filter((_, i) => i % 8 === 0)).not.toContain(50);
});

it("gives points of the curve in order, at most as many as asked for", () => {
  const values = fc.array(fc.oneof(fc.double({ noNaN: true }), fc.constant(Number.NaN)), { maxLength: 300 });
  fc.assert(
    fc.property(values, fc.integer({ min: 4, max: 100 }), (y, most) => {
      const thin = decimate(curve(y), most);
      expect(thin.count).toBeLessThanOrEqual(Math.max(most, 0));
      for (let i = 0; i < thin.count; i++) {
        expect(thin.y[i]).toBe(y[thin.x[i]!]);
        if (i > 0) expect(thin.x[i]).toBeGreaterThan(thin.x[i - 1]!);
      }
    }),
  );
});

it("keeps a gap that fills a bucket", () => {
  const y = Array.from({ length: 100 }, (_, i) => (i >= 40 && i < 60 ? Number.NaN : 1));
  expect([...decimate(curve(y), 22).y].some(Number.isNaN)).toBe(true);
});
