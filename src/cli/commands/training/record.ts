/** run.json and report.html of a run on the command line. */
import { formNames } from "../../../gpu/device.ts";
import { courseReport } from "../../../report/course-report.ts";
import { runReport } from "../../../report/report.ts";
import { modelFacts } from "../../../train/facts.ts";
import { type Course, type RunDescription, runRecord } from "../../../train/run-record.ts";
import { packageVersion } from "../../node/package.ts";
import type { PreparedRun } from "./prepare.ts";

export interface Records {
  readonly record: object;
  readonly report: string;
}

/** `began`: when the run was started. */
export function recordsOf(run: PreparedRun, course: Course, status: RunDescription["status"], began: Date): Records {
  const description = describe(run, status, began);
  const questions = run.probes.map(({ messages }) => messages.at(-1)!.content);
  const rest = { title: `${run.name} on ${run.train.name}`, questions, files: [] };
  return { record: runRecord(description, course), report: runReport(courseReport(description, course, rest)) };
}

function describe(run: PreparedRun, status: RunDescription["status"], began: Date): RunDescription {
  const { session, request, train, valid, name } = run;
  const { origin, config } = request;
  return {
    ...{ status, began, config, train, valid },
    versions: { lorikeet: packageVersion(), node: process.versions.node },
    device: {
      name: session.device.name,
      source: process.env.LORIKEET_ADAPTER ?? null,
      forms: formNames(session.device),
    },
    model: { name, ...modelFacts(session.model) },
    resumed: origin.kind === "fresh" ? null : { kind: origin.kind, from: origin.path },
    peakBytes: session.device.memory.peak,
  };
}
