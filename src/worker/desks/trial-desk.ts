/**
 * Trials before a run is made or after one went wrong: the sweep of learning rates and the five-phase diagnostic. Both
 * train a throw-away adapter and leave the model as it was; one at a time, and never beside a run.
 */
import { configError } from "../../core/errors.ts";
import type { Example } from "../../data/encode.ts";
import type { TrainConfig } from "../../train/config.ts";
import { runDiagnosis } from "../../train/diagnose.ts";
import type { MemoryBudget } from "../../train/memory-budget.ts";
import { findRate } from "../../train/rate-finder.ts";
import type { TrainingSession } from "../../train/session.ts";
import type { Context } from "../context.ts";
import type { TrialEvent } from "../protocol.ts";
import { type RecordFiles, readRunSets } from "../runs/run-data.ts";
import { unlessStopped } from "./unless-stopped.ts";

export interface TrialJob {
  readonly config: TrainConfig;
  readonly files: RecordFiles;
  readonly budget: MemoryBudget;
  /** The model on the GPU, with nobody else at it. */
  session(): Promise<TrainingSession>;
}

interface Request {
  readonly config: TrainConfig;
  readonly train: readonly Example[];
  readonly valid: readonly Example[];
  readonly budget: MemoryBudget;
  readonly signal: AbortSignal;
}

type Perform = (session: TrainingSession, request: Request) => AsyncIterable<TrialEvent>;

export class TrialDesk {
  private readonly context: Context;
  private stopping: AbortController | null = null;
  private last: Promise<unknown> = Promise.resolve();
  /** What is on, for whoever is refused meanwhile. */
  doing = "";

  constructor(context: Context) {
    this.context = context;
  }

  /** From the moment that one is asked for: its model may still have to be loaded. */
  get busy(): boolean {
    return this.stopping !== null;
  }

  /** Resolves when none is on. */
  async ended(): Promise<void> {
    await this.last.catch(() => {}); // whoever asked for it is told
  }

  /** Resolves when the sweep has ended or was stopped. */
  findRate(job: TrialJob): Promise<void> {
    return this.begin("a learning rate is being looked for", job, findRate);
  }

  /** Resolves when the diagnosis is there or was stopped. */
  diagnose(job: TrialJob): Promise<void> {
    return this.begin("a diagnosis is being made", job, (session, request) => {
      // A minimal training, however long the run would be.
      const brief = { ...request.config, steps: "auto", epochs: 1 } as const;
      return runDiagnosis(session, { ...request, config: brief });
    });
  }

  stop(): void {
    this.stopping?.abort();
  }

  private async begin(doing: string, job: TrialJob, perform: Perform): Promise<void> {
    if (this.busy) throw configError(`${this.doing} already`, "Stop it first, or wait for its end.");
    const stop = new AbortController();
    this.stopping = stop;
    this.doing = doing;
    this.last = this.perform(job, perform, stop.signal).finally(() => {
      this.stopping = null;
    });
    await this.last;
  }

  private async perform(
    { config, files, budget, ...job }: TrialJob,
    perform: Perform,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      const session = await unlessStopped(job.session(), signal);
      if (!session) return;
      const { train, valid } = await readRunSets(files, session, config);
      const request = { config, train: train.examples, valid: valid?.examples ?? [], budget, signal };
      for await (const event of perform(session, request)) this.context.publish({ type: "trial", event });
    } catch (error) {
      if (!signal.aborted) throw error; // stopped by the person
    }
  }
}
