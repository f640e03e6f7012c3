/** A run while it is under way: its folder, its state on disk, and what has happened since it was started or resumed. */

import type { JsonValue } from "../../core/json.ts";
import { formNames } from "../../gpu/device.ts";
import type { Adapter } from "../../lora/adapter.ts";
import { exportMlx } from "../../lora/export.ts";
import type { DoneEvent, SaveEvent } from "../../train/events.ts";
import { modelFacts } from "../../train/facts.ts";
import {
  adapterExtras,
  type Course,
  judgeCourse,
  newCourse,
  noteEvent,
  type RunDescription,
  runRecord,
} from "../../train/run-record.ts";
import type { TrainingSession } from "../../train/session.ts";
import { ALL_MOVED, type TrainedFacts } from "../../train/verify.ts";
import type { EventBatcher } from "../desks/event-batcher.ts";
import type { RunOutcome } from "../protocol.ts";
import { adoptedDone } from "./adopted.ts";
import type { RunSets } from "./run-data.ts";
import {
  ADAPTER_FILES,
  CHECKPOINT_FILE,
  RECORD_FILE,
  type RunFolder,
  type RunRecords,
  type StoredRun,
  TRAIN_FILE,
  VALID_FILE,
} from "./run-folder.ts";

/** Put in by the build. */
declare const __LORIKEET_VERSION__: string;

export class RunWriter {
  readonly folder: RunFolder;
  readonly events: EventBatcher;
  readonly course: Course = newCourse();
  stored: StoredRun;

  constructor(folder: RunFolder, stored: StoredRun, events: EventBatcher) {
    this.folder = folder;
    this.stored = stored;
    this.events = events;
  }

  /** Records first: a folder with a state is whole. One that cannot be made is not left behind. */
  async begin(records: RunRecords | null): Promise<void> {
    const { folder } = this;
    try {
      if (records) await folder.write(TRAIN_FILE, records.train);
      if (records?.valid) await folder.write(VALID_FILE, records.valid);
      await this.update({ status: "running", outcome: null });
    } catch (error) {
      if (records) await folder.forget().catch(() => {}); // the first error says more
      throw error;
    }
  }

  /** A run that goes on is judged as a whole: what happened up to its checkpoint belongs to its course. */
  async goOn(savedStep: number): Promise<void> {
    await this.folder.cutEvents(savedStep);
    for (const event of await this.folder.events()) noteEvent(this.course, event);
  }

  async update(changes: Partial<StoredRun>): Promise<void> {
    this.stored = { ...this.stored, ...changes };
    await this.folder.saveState(this.stored);
  }

  async checkpoint({ step, checkpoint }: SaveEvent): Promise<void> {
    await this.events.flush();
    await this.folder.write(CHECKPOINT_FILE, checkpoint);
    await this.update({ savedStep: step });
    this.events.add({ type: "save", step });
  }

  /** Writes the adapter, has it read back from the store and checked, and writes down what came of it. */
  finish(session: TrainingSession, data: RunSets): Promise<RunOutcome> {
    const done = this.course.done!;
    const { config, dataTitle } = this.stored;
    return this.handOver(session, data, done, { facts: done, extras: adapterExtras(config, dataTitle) });
  }

  /** The same for an adapter that was made elsewhere: of training nothing is known or claimed. */
  adopt(session: TrainingSession, data: RunSets, adapter: Adapter): Promise<RunOutcome> {
    this.course.done = adoptedDone(adapter);
    return this.handOver(session, data, this.course.done, { facts: null, extras: {} });
  }

  private async handOver(
    session: TrainingSession,
    data: RunSets,
    done: DoneEvent,
    { facts, extras }: { readonly facts: TrainedFacts | null; readonly extras: Readonly<Record<string, JsonValue>> },
  ): Promise<RunOutcome> {
    const { folder, course, stored } = this;
    const adapter: Adapter = { ...done.adapter, base_model: baseName(stored) };
    const files = exportMlx(adapter, extras);
    for (const { path, bytes } of files) await folder.write(path, bytes);
    const checks = await session.verify(adapter, folder.source(), data.train.examples, facts);
    course.checks = facts ? checks : checks.filter(({ name }) => name !== ALL_MOVED);
    const judged = judgeCourse(course)!;
    if (judged.verdict === "broken") for (const name of ADAPTER_FILES) await folder.remove(name);
    const usable = judged.verdict === "healthy" || judged.verdict === "suspicious";
    const status = done.stopped ? "stopped" : "finished";
    const record = runRecord(describeRun(stored, status, session, data), course);
    await folder.write(RECORD_FILE, `${JSON.stringify(record, null, 2)}\n`);
    const { adapter: _, ...told } = done;
    const adapterBytes = files.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const outcome: RunOutcome = { done: told, checks: course.checks, judged, usable, adapterBytes };
    await this.update({ status, outcome });
    return outcome;
  }
}

/** As other tools find the model. */
function baseName({ model }: StoredRun): string {
  if (model.kind === "hub") return model.id;
  return model.kind === "demo" ? "demo" : model.name;
}

function describeRun(
  stored: StoredRun,
  status: RunDescription["status"],
  { device, model }: TrainingSession,
  { train, valid }: RunSets,
): RunDescription {
  return {
    ...{ status, train, valid, config: stored.config, began: new Date(stored.began) },
    versions: { lorikeet: __LORIKEET_VERSION__, browser: globalThis.navigator?.userAgent ?? "" },
    device: { name: device.name, source: null, forms: formNames(device) },
    model: { name: baseName(stored), ...modelFacts(model) },
    resumed: null,
    peakBytes: device.memory.peak,
  };
}
