/** `lorikeet combine`: several adapters of one model as one. Needs no GPU. */
import { configError } from "../../core/errors.ts";
import { COMBINATIONS, combineAdapters } from "../../lora/combine.ts";
import { adapterSource } from "../node/adapter-place.ts";
import { checkFolder } from "../node/files.ts";
import { readWeighted } from "../node/weighted-adapters.ts";
import { checkFits, checkOutput, OUTPUT_FLAGS, writeAdapter } from "./converting/adapter-output.ts";
import { blocksOfBase } from "./converting/base-blocks.ts";
import { lossLine, lossTable } from "./loss-lines.ts";
import { runnable } from "./runnable.ts";

const COMBINE = {
  name: "combine",
  summary: "Makes one adapter of several, each with a weight, and reads it back.",
  positionals: [
    {
      name: "ADAPTER[:W]",
      many: true,
      meaning: "Adapters of any layout, each with a weight, 1 by default: style facts:0.5.",
    },
  ],
  flags: [
    {
      name: "method",
      kind: "choice",
      choices: COMBINATIONS,
      default: "cat",
      meaning:
        "cat: the exact sum, ranks add up; svd: that, cut to --rank; linear: peft's cheap sum of factors, of one rank, far from exact.",
    },
    { name: "rank", kind: "integer", min: 1, meaning: "Rank of svd; by default the largest of the adapters'." },
    ...OUTPUT_FLAGS,
  ],
} as const;

export const combine = runnable(COMBINE, async ({ values, positionals }, io) => {
  const { method, rank, out, model } = values;
  checkOutput(values);
  if (rank !== undefined && method !== "svd") {
    throw configError(`--rank: only svd has a rank of its own, --method is ${method}`, "Use --method svd.");
  }
  const parts = await readWeighted(positionals, model);
  if (model !== undefined) await checkFits(parts, model, io);
  await checkFolder("--out", out);
  const combined = combineAdapters(parts, { method, rank });
  const place = await adapterSource(parts[0]!.name);
  const blocks = await blocksOfBase(values, combined.adapter, place, io);
  const adapter = { ...combined.adapter, ...(blocks === undefined ? {} : { num_hidden_layers: blocks }) };
  const files = await writeAdapter(adapter, values, io);
  const loss = lossLine(combined);
  if (loss !== null) {
    io.out.write(lossTable(combined));
    io.err.write(`${loss}\n`);
  }
  io.out.write(files);
  return 0;
});
