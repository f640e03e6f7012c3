/**
 * Trials before a run is made or after one went wrong: the sweep of learning rates and the five-phase diagnostic. Both
 * train a throw-away adapter on the page's data and leave the model as it was; one at a time, and never beside a run.
 */
import { memorySource } from "../../core/bytes.ts";
import { configError, Problems } from "../../core/errors.ts";
import { readRecords } from "../../data/dataset.ts";
import type { TrainConfig } from "../../train/config.ts";
import { runDiagnosis } from "../../train/diagnose.ts";
import { findRate } from "../../train/rate-finder.ts";
import type { TrainingSession } from "../../train/session.ts";
import type { Context } from "../context.ts";
import type { TrialEvent } from "../protocol.ts";
import { type RunRecords, TRAIN_FILE, VALID_FILE } from "../runs/run-folder.ts";

export class TrialDesk {
  private readonly context: Context;
  private stopping: AbortController | null = null;
  /** What is on, for whoever is refused meanwhile. */
  doing = "";

  constructor(context: Context) {
    this.context = context;
  }

  get busy(): boolean {
    return this.stopping !== null;
  }

  /** Resolves when the sweep has ended or was stopped. */
  async findRate(session: TrainingSession, records: RunRecords, config: TrainConfig): Promise<void> {
    await this.during("a learning rate is being looked for", async (signal) => {
      const request = { config, ...(await encoded(session, records, config)), signal };
      await this.tell(findRate(session, request));
    });
  }

  /** Resolves when the diagnosis is there or was stopped. */
  async diagnose(session: TrainingSession, records: RunRecords, config: TrainConfig): Promise<void> {
    await this.during("a diagnosis is being made", async (signal) => {
      // A minimal training, however long the run would be.
      const brief = { ...config, steps: "auto", epochs: 1 } as const;
      const request = { config: brief, ...(await encoded(session, records, config)), signal };
      await this.tell(runDiagnosis(session, request));
    });
  }

  stop(): void {
    this.stopping?.abort();
  }

  private async tell(events: AsyncIterable<TrialEvent>): Promise<void> {
    for await (const event of events) this.context.publish({ type: "trial", event });
  }

  private async during(doing: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.busy) throw configError(`${this.doing} already`, "Stop it first, or wait for its end.");
    const stop = new AbortController();
    this.stopping = stop;
    this.doing = doing;
    try {
      await work(stop.signal);
    } catch (error) {
      if (!stop.signal.aborted) throw error; // stopped by the person
    } finally {
      this.stopping = null;
    }
  }
}

async function encoded(session: TrainingSession, records: RunRecords, config: TrainConfig) {
  const read = async (name: string, bytes: Uint8Array, allowEmpty = false) => {
    const problems = new Problems();
    const set = await readRecords(memorySource(name, bytes), problems);
    problems.throwIfAny("data", name);
    return (await session.encode(set, config, { allowEmpty })).examples;
  };
  const train = await read(TRAIN_FILE, records.train);
  return { train, valid: records.valid ? await read(VALID_FILE, records.valid, true) : [] };
}
