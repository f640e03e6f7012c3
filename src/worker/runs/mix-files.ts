/** A mix of adapters as people take it away: the files of an adapter, and what it was made of. */
import type { Adapter } from "../../lora/adapter.ts";
import { exportMlx, exportPeft } from "../../lora/export.ts";
import type { MixedRun, MixFile, NamedBlob } from "../protocol.ts";
import { fileStem, text, zipOf } from "./run-files.ts";

export interface MixRecord {
  readonly modelTitle: string;
  readonly parts: readonly MixedRun[];
  /** cat is the exact sum, svd what a smaller rank holds of it: as `lorikeet combine` has them. */
  readonly method: "cat" | "svd";
  readonly rank: number;
  /** Share of the change that the rank leaves out. */
  readonly leftOut: number;
}

/** `now`: in milliseconds since 1970, for the name. Throws as the exporters do. */
export async function makeMixFile(
  file: MixFile,
  adapter: Adapter,
  record: MixRecord,
  now = Date.now(),
): Promise<NamedBlob> {
  const files = file === "mlx.zip" ? exportMlx(adapter) : exportPeft(adapter);
  const { modelTitle, parts, method, rank, leftOut } = record;
  const made = { model: modelTitle, method, rank, left_out: leftOut, parts: parts.map(partRecord) };
  const blob = await zipOf(
    {
      ...Object.fromEntries(files.map(({ path, bytes }) => [path, bytes])),
      "mix.json": text(`${JSON.stringify(made, null, 2)}\n`),
    },
    null,
  );
  return { name: `${fileStem({ modelTitle, began: now })}-mix-${file}`, blob };
}

const partRecord = ({ id, title, began, weight }: MixedRun) => ({
  ...{ run: id, title, began: new Date(began).toISOString(), weight },
});
