/** What a run trains and validates on, and what it is asked: out of its own folder, or of records that no run has yet. */
import { type ByteSource, memorySource } from "../../core/bytes.ts";
import { modelError, Problems } from "../../core/errors.ts";
import { readRecords } from "../../data/dataset.ts";
import type { EncodedDataset } from "../../data/encode.ts";
import type { DataRecord } from "../../data/records.ts";
import type { Finding } from "../../health/finding.ts";
import { checkPrompts } from "../../train/check-prompts.ts";
import type { TrainConfig } from "../../train/config.ts";
import { type Manner, mannerOf, type Probe, probesFor } from "../../train/probes.ts";
import type { TrainingSession } from "../../train/session.ts";
import { type RunFolder, type RunRecords, TRAIN_FILE, VALID_FILE } from "./run-folder.ts";

/** A file of records, encoded for a model. */
export interface RunSet extends EncodedDataset {
  readonly name: string;
  readonly records: readonly DataRecord[];
}

export interface RunSets {
  readonly train: RunSet;
  readonly valid: RunSet | null;
}

/** All that a run needs of its records. */
export interface RunData extends RunSets {
  readonly probes: readonly Probe[];
  readonly manner: Manner | null;
  /** About the records. */
  readonly findings: readonly Finding[];
}

/** Where the files of records lie: a run's folder, or memory. */
export type RecordFiles = Pick<RunFolder, "open">;

export const recordFiles = ({ train, valid }: RunRecords): RecordFiles => ({
  async open(name): Promise<ByteSource | null> {
    const bytes = name === TRAIN_FILE ? train : valid;
    return bytes && memorySource(name, bytes);
  },
});

/** Throws ModelError when they are gone, DataError when they are faulty. */
export async function readRunSets(files: RecordFiles, session: TrainingSession, config: TrainConfig): Promise<RunSets> {
  const read = async (name: string): Promise<RunSet | null> => {
    const file = await files.open(name);
    if (!file) return null;
    const problems = new Problems();
    const records = await readRecords({ ...file, name }, problems);
    problems.throwIfAny("data", name);
    return { ...(await session.encode(records, config)), name, records: records.records };
  };
  const train = await read(TRAIN_FILE);
  if (!train) throw modelError("the records of the run are gone", "Start a new run.");
  return { train, valid: await read(VALID_FILE) };
}

/** The same on the run's first day as after a reload. */
export async function readRunData(
  files: RecordFiles,
  session: TrainingSession,
  { config, probes }: { readonly config: TrainConfig; readonly probes: readonly string[] },
): Promise<RunData> {
  const sets = await readRunSets(files, session, config);
  const [train, valid] = [sets.train.records, sets.valid?.records ?? []];
  return {
    ...sets,
    probes: probesFor(probes, [...valid, ...train]),
    manner: mannerOf(train, valid),
    findings: await checkPrompts(session, train),
  };
}
