import { describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.uint32());

describe("Random", () => {
  it("is a function of its seed, 0 included", () => {
    expect(draw(new Random(0), 50)).toEqual(draw(new Random(0), 50));
    const seeds = [0, 1, 2, 0xffffffff, 12345];
    expect(new Set(seeds.map((seed) => draw(new Random(seed), 4).join())).size).toBe(seeds.length);
    expect(draw(new Random(0), 8).every((word) => word === 0)).toBe(false);
  });

  it("goes on from a saved state, which survives JSON, without touching the original", () => {
    const random = new Random(5);
    draw(random, 17);
    const { state } = random;
    const copy = new Random(JSON.parse(JSON.stringify(state)));
    const [a, b] = [new Random(state), random].map((each) => [
      draw(each, 20),
      each.normal(),
      each.below(10),
      each.uniform(),
    ]);
    expect(a).toEqual(b);
    expect([draw(copy, 20), copy.normal(), copy.below(10), copy.uniform()]).toEqual(a);
    expect(copy.state).toEqual(random.state);
  });

  // xoshiro128**: a state of 1, 2, 3, 4 gives these (the recurrence of its authors, worked out apart).
  it("is xoshiro128**", () => {
    expect(draw(new Random({ words: [1, 2, 3, 4] }), 6)).toEqual([11520, 0, 5927040, 70819200, 2031721883, 1637235492]);
  });

  it("draws uniforms in [0, 1) with the right mean and variance", () => {
    const random = new Random(3);
    const values = Array.from({ length: 40_000 }, () => random.uniform());
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values)).toBeLessThan(1);
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 / Math.sqrt(12 * values.length));
  });

  it("draws normals with mean 0, variance 1 and kurtosis 3", () => {
    const random = new Random(4);
    const values = Array.from({ length: 40_000 }, () => random.normal());
    const moment = (power: number) => values.reduce((sum, x) => sum + x ** power, 0) / values.length;
    expect(Math.abs(moment(1))).toBeLessThan(0.025);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(0.04);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.3);
  });

  it.each([1, 2, 3, 7, 1000])("draws below %i evenly", (n) => {
    const random = new Random(n);
    const counts = new Array<number>(n).fill(0);
    const total = 200 * n;
    for (let i = 0; i < total; i++) counts[random.below(n)]! += 1;
    // Chi-square of n − 1 degrees of freedom: mean n − 1, variance 2(n − 1).
    const chi = counts.reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0);
    expect(chi).toBeLessThan(n - 1 + 6 * Math.sqrt(2 * n));
  });

  it("shuffles in place to a permutation, each order as likely as another", () => {
    const random = new Random(6);
    const seen = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const items = [1, 2, 3];
      expect(random.shuffle(items)).toBe(items);
      seen.set(items.join(), (seen.get(items.join()) ?? 0) + 1);
    }
    expect(seen.size).toBe(6);
    for (const count of seen.values()) expect(Math.abs(count - 1000)).toBeLessThan(180);
    expect(random.shuffle([])).toEqual([]);
  });
});
