import { describe, expect, it } from "vitest";
import { isOutlier, robustZ } from "../../src/lora/outliers.ts";

const layers = (norms: readonly number[], key = "self_attn.q_proj") =>
  norms.map((norm_delta, block) => ({ module: `model.layers.${block}.${key}`, norm_delta }));
const outlying = (norms: readonly number[]) => robustZ(layers(norms)).map(isOutlier);

describe("outliers among the layers of a kind", () => {
  it("are far above or far below the others", () => {
    expect(outlying([1, 1.1, 0.9, 1.05, 10, 0.95])).toEqual([false, false, false, false, true, false]);
    expect(outlying([1, 1.1, 0.9, 1.05, 0.05, 0.95])).toEqual([false, false, false, false, true, false]);
  });

  it("are not what a spread as wide as the layers' own explains, nor anything within a factor of two", () => {
    expect(outlying([0.1, 0.3, 1, 3, 10, 30])).toEqual(Array(6).fill(false));
    expect(outlying([1, 1, 1, 1, 1.9, 0.51])).toEqual(Array(6).fill(false));
    expect(outlying([1, 1, 1, 1, 2.1, 0.49])).toEqual([false, false, false, false, true, true]);
  });

  it("has z in units of 1.4826 times the median distance of logarithms", () => {
    // Logarithms 0 to 4 and 10: median 2.5, distances 2.5 1.5 0.5 0.5 1.5 7.5, their median 1.5.
    const z = robustZ(layers([0, 1, 2, 3, 4, 10].map(Math.exp)));
    expect(z[5]).toBeCloseTo(7.5 / (1.4826 * 1.5), 10);
    expect(z[0]).toBeCloseTo(-2.5 / (1.4826 * 1.5), 10);
    expect(isOutlier(3.5)).toBe(false);
    expect(isOutlier(-3.6)).toBe(true);
  });

  it("compares a layer with its own kind only", () => {
    const both = [...layers([1, 1, 1, 1, 1]), ...layers([100, 100, 100, 100, 100], "mlp.down_proj")];
    expect(robustZ(both).map(isOutlier)).toEqual(Array(10).fill(false));
    // The control: as one kind the larger ones, being no majority, stand out.
    expect(outlying([1, 1, 1, 1, 1, 100])).toContain(true);
  });

  it("says nothing of few, zero or broken layers", () => {
    expect(robustZ(layers([1, 1, 1, 50]))).toEqual([null, null, null, null]);
    const z = robustZ(layers([1, 1, 1, 1, 1, 0, Number.NaN, Number.POSITIVE_INFINITY]));
    expect(z.slice(5)).toEqual([null, null, null]);
    expect(z.slice(0, 5)).toEqual([0, 0, 0, 0, 0]);
  });
});
