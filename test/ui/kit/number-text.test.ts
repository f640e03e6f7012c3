import { describe, expect, it } from "vitest";
import { numberProblem, parseNumber, stepNumber } from "../../../src/ui/kit/number-text.ts";

describe("parseNumber", () => {
  it.each([
    ["2e-4", 2e-4],
    ["0.5", 0.5],
    [".5", 0.5],
    ["0,5", 0.5],
    ["0,125", 0.125],
    ["1,000", 1000],
    ["1 000 000", 1e6],
    ["−3", -3],
    ["1.", 1],
  ])("reads %s", (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });

  it.each(["", "abc", "1e", "2e-4x", "1,2,3", "--1", "Infinity", "0x10", "1.2.3"])("refuses %j", (text) => {
    expect(parseNumber(text)).toBeNaN();
  });
});

describe("numberProblem", () => {
  it("says what is wrong, and nothing where nothing is", () => {
    expect(numberProblem("8", { min: 1, max: 256, integer: true })).toBeNull();
    expect(numberProblem("0", { min: 0 })).toBeNull();
    expect(numberProblem("", {})).toBe("Enter a number.");
    expect(numberProblem(" rank ", {})).toBe("“rank” is not a number.");
    expect(numberProblem("8.5", { integer: true })).toBe("Enter a whole number.");
    expect(numberProblem("0", { min: 1 })).toBe("The smallest is 1.");
    expect(numberProblem("300", { max: 256 })).toBe("The largest is 256.");
  });
});

describe("stepNumber", () => {
  it("climbs 1, 2, 5 and comes down the same way", () => {
    const up = [1e-4];
    for (let i = 0; i < 4; i++) up.push(stepNumber(up.at(-1)!, 1, {}));
    expect(up).toEqual([1e-4, 2e-4, 5e-4, 1e-3, 2e-3]);
    const down = [2e-3];
    for (let i = 0; i < 4; i++) down.push(stepNumber(down.at(-1)!, -1, {}));
    expect(down).toEqual([...up].reverse());
  });

  it("takes the nearest rung from between two", () => {
    expect(stepNumber(3e-4, 1, {})).toBe(5e-4);
    expect(stepNumber(3e-4, -1, {})).toBe(2e-4);
    expect(stepNumber(-3, 1, {})).toBe(-2);
    expect(stepNumber(0, 1, {})).toBeGreaterThan(0);
  });

  it("goes by whole numbers and by steps, inside the rule", () => {
    expect(stepNumber(8, 1, { integer: true })).toBe(9);
    expect(stepNumber(0.2, 1, { step: 0.1 })).toBe(0.3);
    expect(stepNumber(256, 1, { integer: true, max: 256 })).toBe(256);
    expect(stepNumber(1, -1, { integer: true, min: 1 })).toBe(1);
  });
});
