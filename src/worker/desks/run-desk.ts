/**
 * The run of the page: its records and everything that happens go to the store as they come, so that a tab that closes in
 * the middle loses the updates since the last checkpoint and nothing else. An adapter is offered only after it was read
 * back from the store and checked.
 */
import { configError, LorikeetError } from "../../core/errors.ts";
import type { Answer } from "../../health/answers.ts";
import type { Adapter } from "../../lora/adapter.ts";
import { checkAdapterFits } from "../../lora/fits.ts";
import { importAdapter } from "../../lora/import.ts";
import { linearShapes } from "../../lora/targets.ts";
import { uniformAdapter } from "../../lora/uniform.ts";
import { wholeAnswer } from "../../train/answer.ts";
import type { TrainEvent } from "../../train/events.ts";
import type { MemoryBudget } from "../../train/memory-budget.ts";
import { type Probe, probeKey, toldVerdict } from "../../train/probes.ts";
import { noteEvent } from "../../train/run-record.ts";
import type { TrainingSession } from "../../train/session.ts";
import type { Context } from "../context.ts";
import type { RunState } from "../protocol.ts";
import { errorData } from "../rpc.ts";
import { adoptedRecords } from "../runs/adopted.ts";
import { type RunData, readRunData, readRunSets } from "../runs/run-data.ts";
import { CHECKPOINT_FILE, openRunFolder, type RunFolder, type RunRecords, type StoredRun } from "../runs/run-folder.ts";
import { lockRun } from "../runs/run-lock.ts";
import { RunWriter } from "../runs/run-writer.ts";
import { EventBatcher } from "./event-batcher.ts";
import { unlessStopped } from "./unless-stopped.ts";

const IDLE: RunState = {
  ...{ id: null, phase: "idle", doing: "", config: null, start: null, probes: [], outcome: null, error: null },
};

export interface RunJob {
  readonly folder: RunFolder;
  readonly stored: StoredRun;
  /** Of a new run, still to be written; null to go on from the checkpoint in the folder. */
  readonly records: RunRecords | null;
  session(): Promise<TrainingSession>;
  /** Memory of this machine. */
  readonly budget: MemoryBudget;
}

export class RunDesk {
  private readonly context: Context;
  private state: RunState = IDLE;
  private stopping: AbortController | null = null;
  private training: TrainingSession | null = null;
  /** Answers of the plain base, by probe: the first round costs nothing then. */
  private readonly known = new Map<string, Answer>();
  private warming: { readonly stop: AbortController; readonly ended: Promise<void> } | null = null;

  constructor(context: Context) {
    this.context = context;
  }

  get busy(): boolean {
    return !["idle", "done", "failed"].includes(this.state.phase);
  }

  /** Of the run that is on, or was last. */
  get id(): string | null {
    return this.state.id;
  }

  /** Resolves when the run has ended; a failure is its state. Throws what kept it from beginning, which leaves no trace. */
  async execute(job: RunJob): Promise<void> {
    const { id, config, probes } = job.stored;
    const starting: RunState = { ...IDLE, id, config, probes, phase: "starting", doing: "Loading the model" };
    this.publish(starting);
    const stop = new AbortController();
    this.stopping = stop;
    let writer = this.writerOf(job.folder, job.stored);
    let begun = false;
    try {
      const ran = await lockRun(id, async () => {
        await writer.begin(job.records);
        begun = true;
        await this.train(job, writer, stop.signal).catch(async (error) => {
          if (!this.foundLost(error, writer)) throw error;
          writer = this.writerOf(job.folder, writer.stored);
          this.publish(starting);
          await this.train(job, writer, stop.signal);
        });
        return true;
      });
      if (ran === null) throw configError("this run is on in another tab", "Look there, or close that tab first.");
    } catch (error) {
      if (!begun) {
        this.show(job.records ? null : job.stored);
        throw error;
      }
      await writer.update({ status: "failed" }).catch(() => {}); // the first error says more
      this.publish({ ...this.state, phase: "failed", doing: "", error: errorData(error) });
    } finally {
      this.stopping = null;
      this.training = null;
    }
  }

  /** Asks the probes of the base before anything is trained, while nobody waits, until `endWarmUp`. */
  async warmUp(session: TrainingSession, probes: readonly Probe[]): Promise<void> {
    await this.endWarmUp();
    if (this.busy) return;
    const stop = new AbortController();
    const options = { base: true, signal: stop.signal };
    const askAll = async () => {
      for (const probe of probes) {
        const key = probeKey(probe);
        if (!this.known.has(key)) this.known.set(key, await wholeAnswer(session, probe.messages, options));
      }
    };
    const ended = askAll().catch(() => {}); // whoever needs the answers asks again
    this.warming = { stop, ended };
    await ended;
  }

  /** Before anybody else uses the session: an answer of the base takes the adapter off for moments. */
  async endWarmUp(): Promise<void> {
    this.warming?.stop.abort();
    await this.warming?.ended;
    this.warming = null;
  }

  /** Another model would answer otherwise. */
  forgetAnswers(): void {
    this.known.clear();
  }

  pause(): void {
    if (this.state.phase !== "training") return;
    this.training?.pause();
    this.publish({ ...this.state, phase: "pausing", doing: "Finishing the update under way" });
  }

  resume(): void {
    if (this.state.phase !== "paused" && this.state.phase !== "pausing") return;
    this.training?.resume();
    this.publish({ ...this.state, phase: "training", doing: "" });
  }

  stop(): void {
    if (!this.busy || this.state.phase === "verifying") return;
    this.stopping?.abort();
    this.training?.resume();
    this.publish({ ...this.state, phase: "stopping", doing: "Finishing the update under way" });
  }

  /**
   * Puts an adapter that was made elsewhere on the model and keeps it as a run of no updates, after the checks that need
   * no training. Throws, and keeps nothing, when it does not fit the model.
   */
  async adopt(folder: RunFolder, stored: StoredRun, session: TrainingSession, adapter: Adapter): Promise<void> {
    checkAdapterFits(adapter, linearShapes(session.model.tree));
    const writer = this.writerOf(folder, stored);
    await writer.begin(adoptedRecords());
    try {
      const sets = await readRunSets(folder, session, stored.config);
      const outcome = await writer.adopt(session, sets, uniformAdapter(adapter).adapter);
      if (outcome.usable) session.setAdapter(await importAdapter(folder.source()));
      else session.removeAdapter();
    } catch (error) {
      await folder.forget().catch(() => {}); // the first error says more
      throw error;
    }
    this.show(writer.stored);
  }

  /** Shows a run that has ended; null: none. */
  show(stored: StoredRun | null): void {
    if (stored) {
      const { id, config, probes, outcome } = stored;
      this.publish({ ...IDLE, id, config, probes, outcome, phase: outcome ? "done" : "failed" });
    } else this.publish(IDLE);
  }

  private writerOf(folder: RunFolder, stored: StoredRun): RunWriter {
    return new RunWriter(folder, stored, new EventBatcher(this.context, folder));
  }

  /**
   * A GPU that went away while nothing was on is found out by the first who needs it. Nothing has happened in the run then,
   * and nobody has asked it to end: it begins once more, on a GPU opened anew.
   */
  private foundLost(error: unknown, { events }: RunWriter): boolean {
    const lost = error instanceof LorikeetError && error.code === "device-lost";
    return lost && !events.begun && (this.state.phase === "starting" || this.state.phase === "training");
  }

  private async train(job: RunJob, writer: RunWriter, signal: AbortSignal): Promise<void> {
    const { folder, stored, records } = job;
    const session = await unlessStopped(job.session(), signal);
    if (!session) return this.cancel(job, writer);
    await this.endWarmUp();
    this.training = session;
    this.publish({ ...this.state, doing: "Reading the records" });
    const data = await readRunData(folder, session, stored);
    const checkpoint = records ? null : await folder.read(CHECKPOINT_FILE);
    if (!records) await writer.goOn(checkpoint ? stored.savedStep : -1);
    this.publish({ ...this.state, doing: "Preparing the first update" });
    const events = session.train({
      ...{ config: stored.config, train: data.train.examples, valid: data.valid?.examples ?? [], signal },
      ...{ probes: data.probes, manner: data.manner, findings: data.findings, budget: job.budget },
      ...{ baseAnswers: this.known, toldAnswers: toldVerdict(writer.course.health) },
      checkpoint: checkpoint ? { name: CHECKPOINT_FILE, bytes: checkpoint } : undefined,
    });
    try {
      for await (const event of events) await this.take(event, writer);
    } finally {
      session.resume(); // a pause must not outlive its run
      await writer.events.flush();
    }
    await this.finish(writer, session, data);
  }

  /** Stopped before its model was there; the download goes on by itself. A run that is resumed is as before. */
  private async cancel({ folder, stored, records }: RunJob, writer: RunWriter): Promise<void> {
    if (records) await folder.forget();
    else await writer.update({ status: stored.status, outcome: stored.outcome });
    this.show(records ? null : stored);
  }

  private async take(event: TrainEvent, writer: RunWriter): Promise<void> {
    const { course, events } = writer;
    noteEvent(course, event);
    switch (event.type) {
      case "start":
        await writer.update({ totalSteps: event.totalSteps });
        // A stop or a pause may have been asked for meanwhile.
        if (this.state.phase === "starting")
          this.publish({ ...this.state, phase: "training", doing: "", start: event });
        else this.publish({ ...this.state, start: event });
        return;
      case "preflight":
      case "step":
      case "validation":
      case "probe":
      case "health":
      case "voice":
        return events.add(event);
      case "save":
        if (event.step > 0) await writer.checkpoint(event);
        events.send();
        if (this.state.phase === "pausing") this.publish({ ...this.state, phase: "paused", doing: "" });
        return;
      case "done":
        return;
    }
  }

  private async finish(writer: RunWriter, session: TrainingSession, data: RunData): Promise<void> {
    const { folder, course, events } = writer;
    if (!course.done || course.done.steps === 0) {
      await folder.forget();
      return this.publish(IDLE);
    }
    events.send();
    this.publish({ ...this.state, phase: "verifying", doing: "Reading the adapter back and checking it" });
    const outcome = await writer.finish(session, data);
    // From now on the model speaks with what is in the file.
    if (outcome.usable) session.setAdapter(await importAdapter(folder.source()));
    else session.removeAdapter();
    this.publish({ ...this.state, phase: "done", doing: "", outcome });
  }

  /** The adapter of the run that is shown, on a model that was loaded anew under it. */
  async putBack(session: TrainingSession): Promise<void> {
    const { id, outcome } = this.state;
    if (id === null || !outcome?.usable || session.adapted) return;
    session.setAdapter(await importAdapter((await openRunFolder(this.context.store, id)).folder.source()));
  }

  private publish(state: RunState): void {
    this.state = state;
    this.context.publish({ type: "run", state });
  }
}
