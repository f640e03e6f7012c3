import { describe, expect, it } from "vitest";
import { displayWidth, formatTable, oneLine, truncate, wrap } from "../../src/cli/format.ts";

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
