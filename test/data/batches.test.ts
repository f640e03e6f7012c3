import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layFlat, planEpoch } from "../../src/data/batches.ts";
import { type Example, NO_LOSS } from "../../src/data/encode.ts";

const example = fc.array(fc.tuple(fc.nat(99), fc.boolean()), { minLength: 1, maxLength: 9 }).map((tokens): Example => {
  const labels = tokens.map(([id, on], i) => (on && i > 0 ? id : NO_LOSS));
  return {
    ids: Uint32Array.from(tokens.map(([id]) => id)),
    labels: Int32Array.from(labels),
    line: 1,
    truncated: false,
    supervised: labels.filter((label) => label !== NO_LOSS).length,
  };
});

describe("layFlat", () => {
  it("lays examples end to end", () => {
    const make = (ids: number[], labels: number[]): Example => ({
      ids: Uint32Array.from(ids),
      labels: Int32Array.from(labels),
      line: 1,
      truncated: false,
      supervised: 0,
    });
    const batch = layFlat([make([5, 6, 7], [-100, 6, 7]), make([8, 9], [-100, 9])], [3, 1]);
    expect([...batch.input_ids]).toEqual([5, 6, 7, 8, 9]);
    expect([...batch.positions]).toEqual([0, 1, 2, 0, 1]);
    expect([...batch.starts]).toEqual([0, 0, 0, 3, 3]);
    expect([...batch.labels]).toEqual([-100, 6, 7, -100, 9]);
    expect([...batch.rows]).toEqual([0, 1, 3]);
    expect([...batch.targets]).toEqual([6, 7, 9]);
    expect(batch.examples).toEqual([3, 1]);
  });

  it("keeps every supervised label, and predicts each from the token before it in the same segment", () => {
    fc.assert(
      fc.property(fc.array(example, { maxLength: 6 }), (examples) => {
        const batch = layFlat(examples);
        expect(batch.rows.length).toBe(examples.reduce((sum, each) => sum + each.supervised, 0));
        batch.rows.forEach((row, i) => {
          expect(batch.starts[row + 1]).toBe(batch.starts[row]);
          expect(batch.labels[row + 1]).toBe(batch.targets[i]);
        });
        expect([...batch.positions]).toEqual(Array.from(batch.starts, (start, t) => t - start));
      }),
    );
  });

  it("gives no loss to a first token, whatever its label", () => {
    const labels = Int32Array.of(4, 5);
    const batch = layFlat([{ ids: Uint32Array.of(4, 5), labels, line: 1, truncated: false, supervised: 2 }]);
    expect([...batch.labels]).toEqual([-100, 5]);
    expect([...batch.targets]).toEqual([5]);
  });
});

describe("planEpoch", () => {
  const options = fc.record({
    batchSize: fc.integer({ min: 1, max: 9 }),
    shuffle: fc.boolean(),
    seed: fc.nat(),
    epoch: fc.nat(50),
    bucket: fc.integer({ min: 1, max: 8 }),
  });
  const lengths = fc.array(fc.integer({ min: 1, max: 500 }), { maxLength: 80 });

  it("has every example exactly once, in batches of the size asked for, one of them smaller at most", () => {
    fc.assert(
      fc.property(lengths, options, (sizes, each) => {
        const plan = planEpoch(sizes, each);
        expect(plan.flat().sort((a, b) => a - b)).toEqual(sizes.map((_, i) => i));
        expect(plan.length).toBe(Math.ceil(sizes.length / each.batchSize));
        expect(plan.filter((batch) => batch.length < each.batchSize).length).toBeLessThanOrEqual(1);
        expect(planEpoch(sizes, each)).toEqual(plan);
      }),
    );
  });

  const sizes = Array.from({ length: 200 }, (_, i) => (i * 37) % 101);
  const base = { batchSize: 4, shuffle: true, seed: 0, epoch: 0, bucket: 1 };

  it("keeps the order of the file without shuffle", () => {
    expect(planEpoch(sizes, { ...base, shuffle: false, bucket: 8 }).flat()).toEqual(sizes.map((_, i) => i));
  });

  it("differs by seed and epoch, and honours seed 0", () => {
    const plans = [0, 1, 2].flatMap((seed) => [0, 1, 2].map((epoch) => planEpoch(sizes, { ...base, seed, epoch })));
    expect(new Set(plans.map((plan) => JSON.stringify(plan))).size).toBe(9);
    expect(planEpoch(sizes, base).flat()).not.toEqual(sizes.map((_, i) => i));
  });

  it("puts similar lengths together where buckets are wide", () => {
    const spread = (bucket: number) =>
      planEpoch(sizes, { ...base, bucket })
        .map((batch) => batch.map((i) => sizes[i]!))
        .reduce((sum, batch) => sum + Math.max(...batch) - Math.min(...batch), 0);
    expect(spread(16)).toBeLessThan(spread(1) / 4);
  });
});
