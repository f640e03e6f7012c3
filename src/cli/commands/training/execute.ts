/** A prepared run, carried out: events to the progress line and to the folder, Ctrl-C to a clean stop. */

import { formatNumber } from "../../../core/units.ts";
import type {
  DoneEvent,
  ProbeEvent,
  StartEvent,
  StepEvent,
  TrainEvent,
  ValidationEvent,
} from "../../../train/events.ts";
import { adapterExtras, type Course, newCourse } from "../../../train/run-record.ts";
import type { Check } from "../../../train/verify.ts";
import { oneLine, truncate } from "../../format.ts";
import type { Io } from "../../io.ts";
import { createProgress, type Progress } from "../../progress.ts";
import type { PreparedRun } from "./prepare.ts";
import { recordOf } from "./record.ts";
import { RunOutput, type Verify } from "./run-output.ts";

export interface Outcome {
  readonly start: StartEvent;
  readonly steps: readonly StepEvent[];
  readonly validations: readonly ValidationEvent[];
  readonly done: DoneEvent;
  readonly checks: readonly Check[];
  /** The adapter is in its place and passed every check. */
  readonly usable: boolean;
}

/** Trains, writes, verifies. `stop` is aborted at Ctrl-C; `onStart` may print before the first update. */
export async function executeRun(
  run: PreparedRun,
  io: Io,
  stop: AbortSignal,
  onStart: (start: StartEvent) => Promise<void>,
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
  const verify: Verify = (adapter, written) => session.verify(adapter, written, train.examples);
  const began = new Date();
  const record = (status: "finished" | "stopped" | "failed") => recordOf(run, course, status, began);
  const says = () => progress.log("stopping after this update; Ctrl-C again quits at once, without saving");
  stop.addEventListener("abort", says);
  try {
    const events = session.train({
      config,
      train: train.examples,
      valid: valid?.examples ?? [],
      probes: run.probes,
      initial: origin.kind === "adapter" ? origin.adapter : undefined,
      checkpoint: origin.kind === "checkpoint" ? { name: origin.path, bytes: origin.bytes } : undefined,
      signal: stop,
    });
    for await (const event of events) {
      if (event.type === "start") await onStart(event);
      await take(event, run, course, output, progress, verify);
    }
    progress.done();
    const { done } = course;
    const trained = done !== null && done.steps > 0;
    if (trained) {
      const adapter = { ...done.adapter, base_model: run.name };
      course.checks = await output.finish(adapter, verify);
      await output.record(record(done.stopped ? "stopped" : "finished"));
    }
    const usable = trained && course.checks.every(({ passed }) => passed);
    return { ...course, start: course.start!, done: done!, usable };
  } catch (error) {
    progress.done();
    await output.abandon(record("failed"));
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
    case "start":
      course.start = event;
      return;
    case "step":
      course.steps.push(event);
      await output.step(event);
      progress.update({ ...event, totalSteps: course.start!.totalSteps });
      if (!event.finite) progress.log(`update ${event.step}: loss or gradient is not finite, so it was skipped`);
      return;
    case "validation": {
      course.validations.push(event);
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
    case "done":
      course.done = event;
  }
}
