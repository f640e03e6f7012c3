/** `lorikeet eval`: the loss of a model, with or without an adapter, on a file of records. */

import { formatCount, formatNumber } from "../../core/units.ts";
import { readDataset } from "../../data/dataset.ts";
import { formatTable } from "../format.ts";
import { openDatasetFiles } from "../node/dataset-files.ts";
import { ADAPTERS, DATA, JSON_OUTPUT, knob, MODEL, QUANTIZE } from "./flags.ts";
import { openSession } from "./open-session.ts";
import { runnable } from "./runnable.ts";
import { leftOut } from "./training/data-lines.ts";

const EVAL = {
  name: "eval",
  summary: "Measures the loss of a model, with or without an adapter.",
  flags: [MODEL, QUANTIZE, ADAPTERS, DATA, knob("maskPrompt"), knob("maxSeqLength"), knob("batchSize"), JSON_OUTPUT],
} as const;

export const evaluation = runnable(EVAL, async ({ values }, io) => {
  const { maxSeqLength, maskPrompt, batchSize, json } = values;
  const files = await openDatasetFiles(values.data);
  const dataset = await readDataset({ train: files.test ?? files.valid ?? files.train });
  const { session } = await openSession(io, values);
  const { examples, report } = await session.encode(dataset.train, { maxSeqLength, maskPrompt });
  const { loss, perplexity, tokens } = await session.evaluate(examples, batchSize);
  if (json) {
    io.out.write(`${JSON.stringify({ loss, perplexity, tokens, records: report.records, kept: report.kept })}\n`);
    return 0;
  }
  const rows = [
    ["loss", formatNumber(loss, 5)],
    ["perplexity", formatNumber(perplexity, 5)],
    ["tokens", `${formatCount(tokens)} with loss, of ${formatCount(report.tokens)}`],
    ["records", `${formatCount(report.kept)} of ${formatCount(report.records)}`],
  ];
  io.out.write(`${formatTable(rows)}\n`);
  for (const line of leftOut(report, maxSeqLength)) io.err.write(`${line}\n`);
  return 0;
});
