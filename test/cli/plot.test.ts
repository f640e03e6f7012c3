import { describe, expect, it } from "vitest";
import { displayWidth } from "../../src/cli/format.ts";
import { type Point, plotSeries } from "../../src/cli/plot.ts";

const series = (...values: number[]): Point[] => values.map((y, i) => ({ x: i + 1, y }));
const dots = (text: string) => [...text].filter((char) => char >= "\u2801" && char <= "\u28ff").length;

/** The cells right of the y axis, one string per row. */
function cells(plot: string): string[] {
  return plot.split("\n").flatMap((line) => /[┤│](.*)$/.exec(line)?.[1] ?? []);
}

describe("plotSeries", () => {
  it("draws a falling line from the top left to the bottom right", () => {
    expect(plotSeries(series(3, 2, 1), { width: 20, height: 7, xLabel: "step" })).toBe(
      [
        "3.00 ┤⠑⠢⡀",
        "     │  ⠈⠑⠤⡀",
        "2.00 ┤     ⠈⠒⢄⡀",
        "     │        ⠈⠒⢄",
        "1.00 ┤           ⠉⠢⢄",
        "     └──────────────",
        "      1    step    3",
      ].join("\n"),
    );
  });

  it.each([20, 33, 80, 200])("keeps to %d columns and the height asked for", (width) => {
    const values = Array.from({ length: 500 }, (_, i) => 2 + Math.sin(i / 9));
    const plot = plotSeries(series(...values), { width, height: 15, title: "loss ".repeat(60), xLabel: "step" });
    expect(plot.split("\n").length).toBe(14); // one row less, for a middle
    for (const line of plot.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(width);
  });

  it("marks a single point in the middle", () => {
    const plot = plotSeries([{ x: 7, y: 2 }], { width: 40, height: 9, xLabel: "step" });
    expect(dots(plot)).toBe(1);
    expect(plot).toContain("⠶");
    expect(plot).toContain("2.00 ┤");
    expect(plot).toContain("7 step");
  });

  it("draws a constant series as a level line on its label", () => {
    const rows = cells(plotSeries(series(1.5, 1.5, 1.5), { width: 40, height: 9 }));
    const drawn = rows.filter((row) => dots(row) > 0);
    expect(drawn.length).toBe(1);
    expect(rows.indexOf(drawn[0]!)).toBe(3);
    expect(plotSeries(series(0, 0)).includes("0.00")).toBe(true);
  });

  it("breaks the curve where a value is not finite", () => {
    const gap = plotSeries(series(1, 1, Number.NaN, Number.POSITIVE_INFINITY, 1, 1), { width: 40, height: 7 });
    const whole = plotSeries(series(1, 1, 1, 1, 1, 1), { width: 40, height: 7 });
    const row = (plot: string) => cells(plot).find((line) => dots(line) > 0)!;
    expect(row(gap)).toMatch(/^\S+ {5,}\S+$/);
    expect(row(whole)).not.toContain(" ");
  });

  it("says so when there is nothing to plot", () => {
    expect(plotSeries([])).toBe("nothing to plot yet");
    expect(plotSeries(series(Number.NaN), { title: "loss" })).toBe("loss: nothing to plot yet");
  });

  it("draws the second series as marks, within the same scale", () => {
    const plot = plotSeries(series(1, 2, 3), {
      width: 40,
      height: 9,
      marks: [
        { x: 1, y: 5 },
        { x: 3, y: Number.NaN },
      ],
    });
    expect(plot.split("◆").length - 1).toBe(1);
    expect(plot.split("\n")[0]).toMatch(/^5\.00 ┤◆/);
    expect(plotSeries([], { marks: [{ x: 1, y: 5 }] })).toContain("◆");
  });

  it("gives labels enough digits to differ", () => {
    const labels = plotSeries(series(1.5, 1.500002), { height: 7 }).match(/^[\d.]+/gm)!;
    expect(new Set(labels).size).toBe(3);
  });

  it("copes with unordered x, repeated x, negative and huge values", () => {
    for (const points of [
      [3, 1, 2].map((x) => ({ x, y: -x })),
      [1, 1, 1].map((x, i) => ({ x, y: i })),
      series(1e-30, 1e30),
      series(-1e308, 1e308),
    ])
      expect(dots(plotSeries(points, { width: 30, height: 8 }))).toBeGreaterThan(0);
  });

  describe("with a logarithmic x axis", () => {
    const rates: Point[] = [1e-4, 1e-3, 1e-2, 1e-1].map((x, i) => ({ x, y: 3 - i }));

    it("draws equal factors as equal steps, over their powers of ten", () => {
      const plot = plotSeries(rates, { width: 60, height: 9, xLabel: "rate", logX: true });
      const straight = plotSeries(series(3, 2, 1, 0), { width: 60, height: 9 });
      expect(cells(plot)).toEqual(cells(straight));
      expect(cells(plotSeries(rates, { width: 60, height: 9 }))).not.toEqual(cells(straight));
      const axis = plot.split("\n").at(-1)!;
      expect(axis.trim().split(/\s+/)).toEqual(["1e-4", "0.001", "0.01", "0.1"]);
    });

    it("has the label where there is room, both ends where no power of ten lies between, and marks in place", () => {
      const few = rates.slice(0, 2).map(({ x, y }) => ({ x: 2 * x, y }));
      expect(plotSeries(few, { width: 60, xLabel: "rate", logX: true })).toMatch(/ 0\.001 +rate$/);
      const narrow = [2e-3, 5e-3].map((x) => ({ x, y: x }));
      expect(plotSeries(narrow, { width: 60, xLabel: "rate", logX: true })).toMatch(/ 0\.002 +rate +0\.005$/);
      const marked = plotSeries(rates, { width: 60, height: 9, logX: true, marks: [{ x: 1e-4, y: 3 }] });
      expect(marked.split("\n")[0]).toMatch(/┤◆/);
    });

    it("leaves out what has no logarithm", () => {
      const points = [{ x: 0, y: 50 }, { x: -1, y: 60 }, ...rates];
      expect(plotSeries(points, { logX: true })).toBe(plotSeries(rates, { logX: true }));
      expect(plotSeries([{ x: 0, y: 1 }], { logX: true })).toBe("nothing to plot yet");
    });
  });
});
