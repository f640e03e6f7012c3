/** run.json of a run on the command line. */
import { modelFacts } from "../../../train/facts.ts";
import { type Course, type RunDescription, runRecord } from "../../../train/run-record.ts";
import { packageVersion } from "../../node/package.ts";
import type { PreparedRun } from "./prepare.ts";

/** `began`: when the run was started. */
export function recordOf(run: PreparedRun, course: Course, status: RunDescription["status"], began: Date): object {
  const { session, request, train, valid, name } = run;
  const { origin, config } = request;
  const description: RunDescription = {
    ...{ status, began, config, train, valid },
    versions: { lorikeet: packageVersion(), node: process.versions.node },
    device: { name: session.device.name, source: process.env.LORIKEET_ADAPTER ?? null },
    model: { name, ...modelFacts(session.model) },
    resumed: origin.kind === "fresh" ? null : { kind: origin.kind, from: origin.path },
    peakBytes: session.device.memory.peak,
  };
  return runRecord(description, course);
}
