import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitByKey, splitRecords } from "../../src/data/split.ts";
import { record } from "./support.ts";

const keys = (count: number) => Array.from({ length: count }, (_, i) => i);

describe("splitByKey", () => {
  it("is disjoint and whole, keeps equal keys together, and depends on keys and seed alone", () => {
    const list = fc.array(fc.nat(30), { maxLength: 120 });
    fc.assert(
      fc.property(list, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(), (all, fraction, seed) => {
        const { train, validation } = splitByKey(all, { seed, fraction });
        expect([...train, ...validation].sort((a, b) => a - b)).toEqual(keys(all.length));
        const shared = new Set(train.map((i) => all[i]));
        expect(validation.filter((i) => shared.has(all[i]!))).toEqual([]);
        expect(splitByKey(all, { seed, fraction })).toEqual({ train, validation });
        if (all.length > 0) expect(train.length).toBeGreaterThan(0);
      }),
    );
  });

  it.each([
    [0, 0],
    [9, 0],
    [10, 1],
    [14, 1],
    [100, 10],
    [1999, 200],
    [50_000, 200],
  ])("of %i sets %i aside", (count, aside) => {
    expect(splitByKey(keys(count), { seed: 0 }).validation).toHaveLength(aside);
  });

  it("depends on the seed, and honours a fraction of zero", () => {
    const of = (seed: number) => splitByKey(keys(100), { seed }).validation;
    expect(of(0)).not.toEqual(of(1));
    expect(splitByKey(keys(100), { seed: 0, fraction: 0 }).validation).toEqual([]);
    expect(splitByKey(keys(100), { seed: 0, fraction: 1, most: 1000 }).train.length).toBeGreaterThan(0);
  });

  it("sets a whole group aside when every key comes several times, but never most of the records", () => {
    const pairs = keys(20).map((i) => i >> 1);
    expect(splitByKey(pairs, { seed: 3, fraction: 0.05 }).validation).toHaveLength(2);
    expect(splitByKey(new Array(20).fill(1), { seed: 3 }).validation).toEqual([]);
  });
});

describe("splitRecords", () => {
  it("takes records for the same whatever form and case they have", () => {
    const unlike = keys(30).map((i) => record({ prompt: `question ${i}`, completion: `answer ${i}` }, i + 1));
    const again = keys(30).map((i) =>
      record(
        {
          messages: [
            { role: "user", content: `Question  ${i}\n` },
            { role: "assistant", content: `ANSWER ${i}` },
          ],
        },
        31 + i,
      ),
    );
    const { train, validation } = splitRecords([...unlike, ...again], { seed: 0 });
    expect(validation).toHaveLength(6);
    for (const i of validation) expect(train).not.toContain((i + 30) % 60);
    // The control: other answers are other records.
    const other = again.map((each, i) => ({
      ...each,
      ...record({ prompt: `question ${i}`, completion: "other" }, 31 + i),
    }));
    const split = splitRecords([...unlike, ...other], { seed: 0 });
    expect(split.validation.some((i) => split.train.includes((i + 30) % 60))).toBe(true);
  });
});
