/** `lorikeet logits`: every logit of every record, for comparison with other programs. */
import { open, rename, rm } from "node:fs/promises";
import path from "node:path";
import { dataError, Problems } from "../../core/errors.ts";
import { formatBytes, formatCount } from "../../core/units.ts";
import { type RecordSet, readDataset } from "../../data/dataset.ts";
import type { DataRecord } from "../../data/records.ts";
import { layoutSafetensors } from "../../formats/safetensors.ts";
import type { TrainingSession } from "../../train/session.ts";
import { openDatasetFiles } from "../node/dataset-files.ts";
import { checkFolder, makeFolder } from "../node/files.ts";
import { ADAPTERS, DATA, MODEL, QUANTIZE } from "./flags.ts";
import { openSession } from "./open-session.ts";
import { runnable } from "./runnable.ts";

const LOGITS = {
  name: "logits",
  summary: 'Writes the logits of every record: one F32 tensor "logits.{i}" [T, V] each, i from 0.',
  flags: [
    MODEL,
    QUANTIZE,
    ADAPTERS,
    DATA,
    { name: "out", group: "Files", kind: "text", unit: "FILE.safetensors", required: true, meaning: "File to write." },
  ],
} as const;

export const logits = runnable(LOGITS, async ({ values }, io) => {
  const stop = new AbortController();
  const release = io.onInterrupt(() => stop.abort());
  try {
    await checkFolder("--out", path.dirname(values.out));
    const { train: set } = await readDataset({ train: (await openDatasetFiles(values.data)).train });
    const { session } = await openSession(io, values, stop.signal);
    const sequences = await readSequences(session, set);
    const size = await writeLogits(session, sequences, values.out, stop.signal);
    io.out.write(`${values.out}: logits of ${formatCount(sequences.length)} records, ${formatBytes(size)}\n`);
    return 0;
  } finally {
    release();
  }
});

/** The ids of every record, whatever carries loss. Nothing is cut or left out: indices must stay those of the file. */
async function readSequences(session: TrainingSession, set: RecordSet): Promise<Uint32Array[]> {
  const { max_position_embeddings, vocab_size } = session.model.config;
  const problems = new Problems();
  const sequences: Uint32Array[] = [];
  for (const record of set.records) {
    const ids = record.kind === "tokens" ? Uint32Array.from(record.input_ids) : await encodeText(session, set, record);
    const outside = ids.find((id) => id >= vocab_size);
    const where = `line ${record.line}`;
    if (outside !== undefined) problems.add(`${where}: expected ids below ${vocab_size}, got ${outside}`);
    if (ids.length > max_position_embeddings) {
      problems.add(`${where}: ${ids.length} tokens, the model has room for ${max_position_embeddings}`);
    }
    sequences.push(ids);
  }
  problems.throwIfAny("data", set.name, "Shorten or remove these records.");
  return sequences;
}

async function encodeText(session: TrainingSession, set: RecordSet, record: DataRecord): Promise<Uint32Array> {
  const options = { maxSeqLength: Number.MAX_SAFE_INTEGER, maskPrompt: false };
  const { examples } = await session.encode({ ...set, records: [record] }, options, { allowEmpty: true });
  const [example] = examples;
  if (example && !example.truncated) return example.ids;
  const what = example ? "has more tokens than the model has room for" : "has fewer than two tokens";
  throw dataError(`${set.name} line ${record.line}: the record ${what}`, "Change or remove the record.");
}

/** One record's logits in memory at a time. */
async function writeLogits(
  session: TrainingSession,
  sequences: readonly Uint32Array[],
  out: string,
  signal: AbortSignal,
): Promise<number> {
  const columns = session.model.config.vocab_size;
  const layout = layoutSafetensors(
    sequences.map((ids, i) => ({ name: `logits.${i}`, dtype: "F32", shape: [ids.length, columns], ids }) as const),
  );
  const folder = await makeFolder(path.dirname(out));
  const partial = `${out}.${process.pid}.partial`;
  try {
    const file = await open(partial, "w");
    try {
      await file.appendFile(layout.header);
      for (const { ids } of layout.tensors) {
        signal.throwIfAborted();
        const values = await session.logits(ids);
        await file.appendFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      }
    } finally {
      await file.close();
    }
    await rename(partial, out);
  } catch (error) {
    await rm(partial, { force: true });
    await folder.takeBack();
    throw error;
  }
  return layout.size;
}
