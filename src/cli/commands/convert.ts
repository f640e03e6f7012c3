/** `lorikeet convert`: an adapter from one tool's layout to another's. Needs no GPU. */
import type { Adapter } from "../../lora/adapter.ts";
import { resizeAdapter } from "../../lora/resize.ts";
import { adapterSource, readAdapter } from "../node/adapter-place.ts";
import { checkFolder } from "../node/files.ts";
import { checkFits, checkOutput, OUTPUT_FLAGS, writeAdapter } from "./converting/adapter-output.ts";
import { blocksOfBase } from "./converting/base-blocks.ts";
import { ADAPTER_PLACE } from "./flags.ts";
import { lossTable, resizeNote } from "./loss-lines.ts";
import { runnable } from "./runnable.ts";

const CONVERT = {
  name: "convert",
  summary: "Writes an adapter in the layout of another tool, and reads it back.",
  positionals: [ADAPTER_PLACE],
  flags: [
    ...OUTPUT_FLAGS,
    {
      name: "rank",
      kind: "integer",
      min: 1,
      meaning: "Another rank: a smaller one keeps the largest directions of each layer, a larger one changes nothing.",
    },
  ],
} as const;

export const convert = runnable(CONVERT, async ({ values, positionals }, io) => {
  const { out, model, rank } = values;
  checkOutput(values);
  const [place = ""] = positionals;
  const adapter = await readAdapter(place, model);
  if (model !== undefined) await checkFits([{ name: place, adapter }], model, io);
  await checkFolder("--out", out);
  const blocks = await blocksOfBase(values, adapter, await adapterSource(place), io);
  const full: Adapter = { ...adapter, ...(blocks === undefined ? {} : { num_hidden_layers: blocks }) };
  const resized = rank === undefined || rank === adapter.rank ? null : resizeAdapter(full, rank);
  const files = await writeAdapter(resized?.adapter ?? full, values, io);
  if (resized) {
    if (resized.error > 0) io.out.write(lossTable(resized));
    io.err.write(`${resizeNote(adapter.rank, resized)}\n`);
  }
  io.out.write(files);
  return 0;
});
