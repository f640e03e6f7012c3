/** Marks on a chart's canvas: a dashed line with a sign at its head. */
import type { ChartMark } from "./marks.ts";

/** The look of a mark, in the page's colours. */
export interface MarkInk {
  readonly line: string;
  readonly ground: string;
  readonly sign: string;
}

/** Draws onto a chart's canvas; `place` gives a canvas position, or null outside of what is shown. */
export function drawMarks(
  context: CanvasRenderingContext2D,
  marks: readonly ChartMark[],
  box: { readonly top: number; readonly height: number; readonly ratio: number },
  place: (x: number) => number | null,
  ink: MarkInk,
): void {
  const { top, height, ratio } = box;
  context.save();
  context.lineWidth = ratio;
  context.setLineDash([2 * ratio, 3 * ratio]);
  context.font = `${11 * ratio}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { glyph, at } of marks) {
    for (const left of at.map(place)) {
      if (left === null) continue;
      context.strokeStyle = ink.line;
      context.beginPath();
      context.moveTo(left, top);
      context.lineTo(left, top + height);
      context.stroke();
      context.fillStyle = ink.ground;
      context.fillRect(left - 7 * ratio, top, 14 * ratio, 14 * ratio);
      context.fillStyle = ink.sign;
      context.fillText(glyph, left, top + 7 * ratio);
    }
  }
  context.restore();
}
