import { afterEach, describe, expect, it, vi } from "vitest";
import { deviceBudget, fits, MEMORY_CHOICES, memoryBudget } from "../../src/train/memory-budget.ts";

const GIB = 2 ** 30;
const gib = (facts: Parameters<typeof memoryBudget>[0]): number => memoryBudget(facts).bytes / GIB;

describe("memoryBudget", () => {
  it("stays below Safari's limit of a page where the browser reports no memory", () => {
    expect(MEMORY_CHOICES.map((chosen) => Number(gib({ chosen }).toFixed(1)))).toEqual([4, 7, 15, 15, 15, 15, 15, 15]);
    expect(memoryBudget({ chosen: 64 }).bound).toBe("page");
    expect(memoryBudget({ chosen: 8 }).bound).toBe("memory");
  });

  it("follows the memory where the browser reports some, and the person's word before the browser's", () => {
    const rounded = MEMORY_CHOICES.map((chosen) => Number(gib({ chosen, reported: 8 }).toFixed(1)));
    expect(rounded).toEqual([4, 10.4, 15.6, 20.8, 31.2, 41.6, 62.4, 83.2]);
    expect(memoryBudget({ chosen: 32, reported: 8 })).toMatchObject({ source: "chosen", memory: 32, bound: "memory" });
    expect(memoryBudget({ reported: 8 })).toMatchObject({ source: "reported", memory: 8, bytes: 4 * GIB });
    expect(gib({ reported: 4 })).toBe(2);
    expect(gib({ reported: 0.25 })).toBe(0.125);
  });

  it.each([{}, { chosen: Number.NaN }, { reported: 0 }, { chosen: -8 }])("assumes the smallest Mac for %j", (facts) => {
    expect(memoryBudget(facts)).toEqual({ bytes: 4 * GIB, memory: 8, source: "assumed", bound: "memory", sure: false });
  });

  it("grows with the memory, never above three quarters of it, in whole bytes", () => {
    for (const reported of [undefined, 8]) {
      const budgets = MEMORY_CHOICES.map((chosen) => memoryBudget({ chosen, reported }).bytes);
      expect(budgets).toEqual([...budgets].sort((a, b) => a - b));
      for (const [i, bytes] of budgets.entries()) {
        expect(bytes).toBeLessThan(0.75 * MEMORY_CHOICES[i]! * GIB);
        expect(Number.isInteger(bytes)).toBe(true);
      }
    }
  });
});

describe("deviceBudget", () => {
  afterEach(() => vi.unstubAllGlobals());

  it.each([{ deviceMemory: 32 }, {}, undefined])("asks navigator %j, and goes by what is picked", (navigator) => {
    vi.stubGlobal("navigator", navigator);
    const reported = navigator?.deviceMemory;
    expect(deviceBudget(null)).toEqual(memoryBudget({ reported }));
    expect(deviceBudget(64)).toEqual(memoryBudget({ reported, chosen: 64 }));
    expect(deviceBudget(null).source).toBe(reported ? "reported" : "assumed");
  });
});

describe("fits", () => {
  const budget = memoryBudget({ chosen: 16 });

  it.each([
    [0, "fits"],
    [0.8, "fits"],
    [0.81, "tight"],
    [1, "tight"],
    [1.01, "too-large"],
  ])("judges %d of the budget as %s", (share, verdict) => {
    const fit = fits(share * budget.bytes, budget);
    expect(fit.verdict).toBe(verdict);
    expect(fit.share).toBeCloseTo(share, 12);
  });

  it("says so in words", () => {
    expect(fits(2e9, budget).words).toBe("Fits: 2.0 GB of about 7.5 GB.");
    expect(fits(7e9, budget).words).toBe("Tight: 7.0 GB of about 7.5 GB. Close other programs and tabs first.");
    expect(fits(12e9, budget).words).toBe(
      "Too large: needs 12.0 GB, this computer has about 7.5 GB for it. Choose a smaller model, shorter texts or a smaller batch.",
    );
  });
});
