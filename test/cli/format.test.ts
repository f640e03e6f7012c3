import { describe, expect, it } from "vitest";
import {
  displayWidth,
  formatBytes,
  formatCount,
  formatDuration,
  formatNumber,
  formatSetting,
  formatTable,
  oneLine,
  truncate,
  wrap,
} from "../../src/cli/format.ts";

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

describe("text", () => {
  it("counts columns, not characters", () => {
    expect(displayWidth("abc")).toBe(3);
    expect(displayWidth("語学")).toBe(4);
    expect(displayWidth("e\u0301")).toBe(1);
    expect(displayWidth("🦜")).toBe(2);
    expect(displayWidth("⣿─◆")).toBe(3);
  });

  it("takes the sting out of control characters", () => {
    expect(oneLine("a\r\nb\tc")).toBe("a b c");
    expect(oneLine("\u001b[2Jx\u0007\u009b\u202e\u007f")).toBe("␛[2Jx␇\ufffd\ufffd\ufffd");
    expect(oneLine("plain ü 語 🦜")).toBe("plain ü 語 🦜");
  });

  it("truncates to columns", () => {
    expect(truncate("abcdef", 6)).toBe("abcdef");
    expect(truncate("abcdef", 5)).toBe("abcd…");
    expect(truncate("語学語", 4)).toBe("語…");
    expect(truncate("abc", 1)).toBe("…");
    expect(truncate("abc", 0)).toBe("");
  });

  it("wraps at spaces and leaves long words whole", () => {
    expect(wrap("one two  three four", 9)).toEqual(["one two", "three", "four"]);
    expect(wrap("a incomprehensible b", 5)).toEqual(["a", "incomprehensible", "b"]);
    expect(wrap("  ", 5)).toEqual([]);
  });
});

describe("formatTable", () => {
  it("aligns columns under a header", () => {
    const rows = [
      ["q_proj", "24,576"],
      ["語", "8"],
    ];
    expect(formatTable(rows, { header: ["module", "size"], align: "<>" })).toBe(
      ["module    size", "──────  ──────", "q_proj  24,576", "語           8"].join("\n"),
    );
  });

  it("cuts the widest left-aligned column to the terminal", () => {
    const lines = formatTable([["a".repeat(50), "b", "123456"]], { align: "<<>", width: 30 }).split("\n");
    expect(lines).toEqual([`${"a".repeat(18)}…  b  123456`]);
  });

  it("shows hostile cells as text, and no rows as nothing", () => {
    expect(formatTable([["\u001b[31mred\nline"]])).toBe("␛[31mred line");
    expect(formatTable([])).toBe("");
  });
});
