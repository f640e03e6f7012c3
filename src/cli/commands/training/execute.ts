/** A prepared run, carried out: events to the progress line and to the folder, Ctrl-C to a clean stop. */

import { formatNumber } from "../../../core/units.ts";
import type { DoneEvent, ProbeEvent, StartEvent, TrainEvent } from "../../../train/events.ts";
import { adapterExtras, type Course, judgeCourse, newCourse, noteEvent } from "../../../train/run-record.ts";
import type { Judged } from "../../../train/verdict.ts";
import { oneLine, truncate } from "../../format.ts";
import type { Io } from "../../io.ts";
import { machineBudget } from "../../node/memory.ts";
import { createProgress, type Progress } from "../../progress.ts";
import { healthLine } from "./health-lines.ts";
import type { PreparedRun } from "./prepare.ts";
import { recordsOf } from "./record.ts";
import { RunOutput, type Verify } from "./run-output.ts";

export interface Outcome extends Course {
  readonly start: StartEvent;
  readonly done: DoneEvent;
  /** null: stopped before the first update. */
  readonly judged: Judged | null;
  /** The folder that holds the adapter; null: it was not worth keeping. */
  readonly place: string | null;
}

/** Trains, writes, verifies. `stop` is aborted at Ctrl-C; `onStart` may print before the first update. */
export async function executeRun(
  run: PreparedRun,
  io: Io,
  stop: AbortSignal,
  onStart: (start: StartEvent, course: Course) => Promise<void>,
): Promise<Outcome> {
  const { request, session, train, valid } = run;
  const { adapterPath: folder, config, origin } = request;
  const output = new RunOutput({
    folder,
    origin,
    saveEvery: config.saveEvery,
    extras: adapterExtras(config, request.data),
  });
  const progress = createProgress(io.out);
  const course = newCourse();
  const verify: Verify = (adapter, written, done) => session.verify(adapter, written, train.examples, done);
  const began = new Date();
  const records = (status: "finished" | "stopped" | "failed") => recordsOf(run, course, status, began);
  const says = () => progress.log("stopping after this update; Ctrl-C again quits at once, without saving");
  stop.addEventListener("abort", says);
  try {
    const events = session.train({
      config,
      train: train.examples,
      valid: valid?.examples ?? [],
      probes: run.probes,
      manner: run.manner,
      findings: run.findings,
      budget: machineBudget(),
      initial: origin.kind === "adapter" ? origin.adapter : undefined,
      checkpoint: origin.kind === "checkpoint" ? { name: origin.path, bytes: origin.bytes } : undefined,
      signal: stop,
    });
    for await (const event of events) {
      noteEvent(course, event);
      if (event.type === "start") await onStart(event, course);
      await take(event, run, course, output, progress, verify);
    }
    progress.done();
    const { done } = course;
    let place: string | null = null;
    if (done !== null && done.steps > 0) {
      const adapter = { ...done.adapter, base_model: run.name };
      const finished = await output.finish({ ...done, adapter }, verify);
      course.checks = finished.checks;
      place = finished.place;
      await output.record(records(done.stopped ? "stopped" : "finished"));
    }
    return { ...course, start: course.start!, done: done!, judged: judgeCourse(course), place };
  } catch (error) {
    progress.done();
    await output.abandon(records("failed"));
    throw error;
  } finally {
    stop.removeEventListener("abort", says);
  }
}

/** "after update 20, What is rain?" and the answer below it. */
function sampleLines({ step, index, text, ended }: ProbeEvent, { probes }: PreparedRun): string {
  const question = probes[index]!.messages.at(-1)!.content;
  return `after update ${step}: ${truncate(oneLine(question), 72)}\n  ${oneLine(text)}${ended ? "" : " …"}`;
}

async function take(
  event: TrainEvent,
  run: PreparedRun,
  course: Course,
  output: RunOutput,
  progress: Progress,
  verify: Verify,
): Promise<void> {
  switch (event.type) {
    case "step":
      await output.step(event);
      progress.update({ ...event, totalSteps: course.start!.totalSteps });
      return;
    case "health":
      progress.log(healthLine(event));
      return;
    case "validation": {
      const best = event.best && event.step > 0 ? ", the lowest so far" : "";
      const when = event.step === 0 ? "before the first update" : `after update ${event.step}`;
      progress.log(`validation loss ${formatNumber(event.loss)} ${when}${best}`);
      return;
    }
    case "probe":
      progress.log(sampleLines(event, run));
      return;
    case "save":
      if (event.step > 0) await output.save(event, verify);
      return;
    case "preflight":
    case "start":
    case "voice":
    case "done":
      return; // told before and after the run
  }
}
