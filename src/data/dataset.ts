/** Files of a data set → records, with the counts of their forms and every fault of every file. */

import type { ByteSource } from "../core/bytes.ts";
import { Problems } from "../core/errors.ts";
import { type DataRecord, type Form, toRecord } from "./records.ts";
import { openRows } from "./tables.ts";

/** Where the records come from; only train is needed. */
export interface DatasetFiles {
  readonly train: ByteSource;
  readonly valid?: ByteSource | undefined;
  readonly test?: ByteSource | undefined;
}

/** The usable records of one file. */
export interface RecordSet {
  readonly name: string;
  readonly records: readonly DataRecord[];
  readonly forms: Readonly<Partial<Record<Form, number>>>;
}

export interface Dataset {
  readonly train: RecordSet;
  readonly valid: RecordSet | null;
  readonly test: RecordSet | null;
}

const HINT =
  "Each line or row is one record: messages, prompt + completion, text, or another form named in the README. Fix or remove these lines.";

/**
 * Reads all files.
 * @throws FormatError for a file that is not JSON, CSV or Parquet, DataError listing every faulty line of all files.
 */
export async function readDataset(files: DatasetFiles): Promise<Dataset> {
  const { dataset, problems } = await inspectDataset(files);
  problems.throwIfAny("data", "data set", HINT);
  return dataset;
}

/** The same without throwing for faulty lines: they are in `problems`, in order. For the dataset doctor. */
export async function inspectDataset(files: DatasetFiles): Promise<{ dataset: Dataset; problems: Problems }> {
  const problems = new Problems();
  const read = (source: ByteSource | undefined) => (source ? readRecords(source, problems) : Promise.resolve(null));
  const dataset = {
    train: await readRecords(files.train, problems),
    valid: await read(files.valid),
    test: await read(files.test),
  };
  return { dataset, problems };
}

/** The records of one file; faults go to `problems`, and so does a file without any record. */
export async function readRecords(source: ByteSource, problems: Problems): Promise<RecordSet> {
  const records: DataRecord[] = [];
  const forms: Partial<Record<Form, number>> = {};
  const faultsBefore = problems.list.length;
  const { rows } = await openRows(source, problems);
  for await (const { line, value } of rows) {
    const record = toRecord(value, line, source.name, problems);
    if (record === null) continue;
    records.push(record);
    forms[record.form] = (forms[record.form] ?? 0) + 1;
  }
  if (records.length === 0 && problems.list.length === faultsBefore) {
    problems.add(`${source.name}: expected at least one record, got an empty file`);
  }
  return { name: source.name, records, forms };
}
