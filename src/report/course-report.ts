/** A run's course as it has just ended, as the input of its report; the page makes the same of what it has stored. */
import { auditAdapter } from "../lora/audit.ts";
import { type Course, judgeCourse, type RunDescription } from "../train/run-record.ts";
import type { ReportFile, ReportInput } from "./input.ts";

export interface ReportRest {
  /** What the person calls the run. */
  readonly title: string;
  /** By a probe's index. */
  readonly questions: readonly string[];
  readonly files: readonly ReportFile[];
}

export function courseReport(
  run: RunDescription,
  course: Course,
  { title, questions, files }: ReportRest,
): ReportInput {
  const { status, versions, device, model, config, resumed, train, valid, peakBytes } = run;
  const { start, steps, validations, health, probes, voice, done, checks, findings } = course;
  const judged = judgeCourse(course);
  return {
    ...{ status, versions, device, model, config, resumed, train, valid, peakBytes },
    ...{ title, questions, files, start, steps, validations, health, probes, voice, done, checks },
    began: run.began.toISOString(),
    ended: new Date().toISOString(),
    verdict: judged?.verdict ?? null,
    reason: judged?.reason ?? "",
    preflight: findings,
    audit: done && done.steps > 0 ? auditAdapter(done.adapter) : null,
  };
}
