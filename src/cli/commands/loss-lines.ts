/** What a smaller rank left out of an adapter, for people. */
import { formatShare } from "../../core/units.ts";
import type { Resized } from "../../lora/resize.ts";
import { formatTable } from "../format.ts";

/** "of its change 12 % is left out, most in model.layers.3.mlp.up_proj: 20 %"; null where nothing is. */
export function lossLine({ error, layers }: Pick<Resized, "error" | "layers">): string | null {
  const worst = layers.toSorted((a, b) => b.error - a.error)[0];
  if (!worst || worst.error === 0) return null;
  return `of its change ${formatShare(error)} is left out, most in ${worst.module}: ${formatShare(worst.error)}`;
}

/** ‖ΔW − ΔW_r‖ / ‖ΔW‖ of every layer, and of all. */
export function lossTable({ error, layers }: Pick<Resized, "error" | "layers">): string {
  const rows = layers.map((layer) => [layer.module, formatShare(layer.error)]);
  const table = [...rows, ["all layers", formatShare(error)]];
  return `${formatTable(table, { header: ["layer", "left out"], align: "<>" })}\n`;
}

/** What became of an adapter of rank `before`. */
export function resizeNote(before: number, resized: Resized): string {
  const loss = lossLine(resized) ?? "which is exact";
  return `the adapter's rank ${before} became ${resized.adapter.rank}: ${loss}`;
}
