import { describe, expect, it } from "vitest";
import { didYouMean } from "../../src/core/spelling.ts";

describe("didYouMean", () => {
  it("sees through case, dashes, transposed and missing letters", () => {
    expect(didYouMean("maxgradnorm", ["maxGradNorm", "rank"])).toContain("maxGradNorm");
    expect(didYouMean("seeed", ["seed", "steps"])).toContain('"seed"');
    expect(didYouMean("trian", ["train", "eval"])).toContain('"train"');
    expect(didYouMean("abc", ["xyz", "ab_c"])).toContain('"ab_c"');
    expect(didYouMean("abc", ["axy"])).toBe("");
    expect(didYouMean("x", [])).toBe("");
  });
});
