import { describe, expect, it } from "vitest";
import { formatBytes, formatCount, formatDuration, formatNumber, formatSetting, listed } from "../../src/core/units.ts";

describe("numbers", () => {
  it.each([
    [1.84234, "1.842"],
    [0.02134, "0.021"],
    [12.3456, "12.35"],
    [12345.6, "12346"],
    [0, "0.000"],
    [-1.5, "-1.500"],
    [2e-5, "2.00e-5"],
    [Number.NaN, "NaN"],
    [Number.NEGATIVE_INFINITY, "-Infinity"],
  ])("formatNumber(%d) = %s", (value, text) => expect(formatNumber(value)).toBe(text));

  it.each([
    [2e-4, "2e-4"],
    [1.5e-5, "1.5e-5"],
    [0.5, "0.5"],
    [0, "0"],
    [1e21, "1e21"],
  ])("formatSetting(%d) = %s", (value, text) => expect(formatSetting(value)).toBe(text));

  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [9994, "10.0 kB"],
    [9940, "9.9 kB"],
    [20_185_088, "20.2 MB"],
    [988_097_824, "988 MB"],
    [999_600, "1.0 MB"],
    [999_400_000, "999 MB"],
    [16e9, "16.0 GB"],
    [5e15, "5000 TB"],
  ])("formatBytes(%d) = %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0, "0 ms"],
    [0.0854, "85 ms"],
    [0.9996, "1.0 s"],
    [4.21, "4.2 s"],
    [9.96, "10 s"],
    [59.6, "1 min 00 s"],
    [65, "1 min 05 s"],
    [3599.7, "1 h 00 min"],
    [7384, "2 h 03 min"],
    [86_399, "1 d 00 h"],
    [100 * 3600, "4 d 04 h"],
    [Number.NaN, "?"],
  ])("formatDuration(%d) = %s", (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it("groups thousands", () => expect(formatCount(1234567.4)).toBe("1,234,567"));
});

it("listed shows the first names and how many more there are", () => {
  expect(listed(["a", "b"])).toBe("a, b");
  expect(listed([..."abcdefgh"])).toBe("a, b, c, d, e, f and 2 more");
  expect(listed([..."abcd"], 2)).toBe("a, b and 2 more");
});
