/** The records that a run trains and validates on, out of its own folder. */
import { modelError, Problems } from "../../core/errors.ts";
import { readRecords } from "../../data/dataset.ts";
import { checkPrompts } from "../../train/check-prompts.ts";
import type { TrainConfig } from "../../train/config.ts";
import { mannerOf } from "../../train/probes.ts";
import type { TrainingSession } from "../../train/session.ts";
import type { RunData } from "../desks/run-desk.ts";
import { type RunFolder, TRAIN_FILE, VALID_FILE } from "./run-folder.ts";

/** Encoded: the same on its first day as after a reload. Throws ModelError when they are gone, DataError when they are faulty. */
export async function readRunData(folder: RunFolder, session: TrainingSession, config: TrainConfig): Promise<RunData> {
  const read = async (name: string) => {
    const file = await folder.open(name);
    if (!file) return null;
    const problems = new Problems();
    const records = await readRecords({ ...file, name }, problems);
    problems.throwIfAny("data", name);
    return { ...(await session.encode(records, config)), name, records: records.records };
  };
  const train = await read(TRAIN_FILE);
  if (!train) throw modelError(`run ${folder.id}: its records are gone`, "Start a new run.");
  const valid = await read(VALID_FILE);
  const manner = mannerOf(train.records, valid?.records ?? []);
  return { train, valid, manner, findings: await checkPrompts(session, train.records) };
}
