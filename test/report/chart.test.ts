import { describe, expect, it } from "vitest";
import { updateAxis, valueAxis } from "../../src/report/axis.ts";
import { linePath } from "../../src/report/chart.ts";

const labels = (axis: ReturnType<typeof valueAxis>) => axis.ticks.map(({ label }) => label);

describe("axes", () => {
  it("have round ends around every finite value", () => {
    expect(labels(valueAxis([1.27, Number.NaN, 2.31]))).toEqual(["1.0", "1.5", "2.0", "2.5"]);
    expect(labels(valueAxis([4e-5, 2e-4], { fromZero: true }))).toEqual(["0", "5e-5", "1e-4", "1.5e-4", "2e-4"]);
    expect(labels(valueAxis([900, 1100], { fromZero: true }))).toEqual(["0", "500", "1,000", "1,500"]);
  });

  it("become logarithmic over a wide range, and hold what is at its ends", () => {
    const axis = valueAxis([0.5, 30]);
    expect(axis.log).toBe(true);
    expect(labels(axis)).toEqual(["0.1", "1", "10", "100"]);
    expect(axis.place(1)).toBeCloseTo(1 / 3, 12);
    expect(axis.place(0)).toBeNaN();
    expect(valueAxis([1, 30]).log).toBe(false);
  });

  it("have room for one value, and for none", () => {
    expect(valueAxis([2]).place(2)).toBeCloseTo(0.5, 12);
    expect(valueAxis([Number.NaN]).ticks.length).toBeGreaterThan(1);
    expect(updateAxis(1, 1).ticks).toEqual([{ at: 0.5, label: "1" }]);
  });

  it("count updates in whole numbers", () => {
    expect(labels(updateAxis(0, 3))).toEqual(["0", "1", "2", "3"]);
    expect(labels(updateAxis(0, 100_000))).toEqual(["0", "50,000", "100,000"]);
    expect(labels(updateAxis(37, 120))).toEqual(["50", "100"]);
  });
});

describe("a line", () => {
  const y = valueAxis([0, 10]);
  const path = (values: readonly number[]) =>
    linePath(
      values.map((value, x) => ({ x, y: value })),
      updateAxis(0, Math.max(1, values.length - 1)),
      y,
    );

  it("goes through its points", () => {
    expect(path([0, 5, 10])).toBe("M0 1000h0L500 500L1000 0");
  });

  it("is broken where a value is not finite; a point alone is a dot", () => {
    expect(path([0, Number.NaN, 10])).toBe("M0 1000h0M1000 0h0");
    expect(path([Number.NaN, Number.POSITIVE_INFINITY])).toBe("");
  });

  it("of 100,000 points keeps its one spike, in two points for a column", () => {
    const values = Array.from({ length: 100_000 }, (_, i) => (i === 31_416 ? 10 : 1));
    const drawn = path(values).match(/[ML]\d+ \d+/g)!;
    expect(drawn.length).toBeLessThanOrEqual(2002);
    expect(drawn).toContain("L314 0");
    expect(path(values.with(31_416, 1))).not.toContain(" 0L");
  });
});
