/**
 * What a run report is made of: plain data, the same from the command line and from the page's worker. Anything that did
 * not happen is empty or null, and the report says so.
 */
import type { AnswerHealth } from "../health/answers.ts";
import type { Finding, Verdict } from "../health/finding.ts";
import type { AdapterAudit } from "../lora/audit.ts";
import type {
  DoneEvent,
  HealthEvent,
  ProbeEvent,
  StartEvent,
  StepEvent,
  ValidationEvent,
  VoiceEvent,
} from "../train/events.ts";
import type { RunDescription } from "../train/run-record.ts";
import type { Check } from "../train/verify.ts";

type FromDescription = Pick<
  RunDescription,
  "status" | "versions" | "device" | "model" | "config" | "resumed" | "train" | "valid" | "peakBytes"
>;

export interface ReportInput extends FromDescription {
  /** What the person calls the run; the file's title. */
  readonly title: string;
  /** ISO 8601; `ended` is null while the run goes on. */
  readonly began: string;
  readonly ended: string | null;
  /** null: there is nothing to judge, as after a run without an update. */
  readonly verdict: Verdict | null;
  /** One sentence: what the verdict rests on. */
  readonly reason: string;
  /** Why a failed run failed, with what to do. */
  readonly error?: string | null | undefined;

  readonly preflight: readonly Finding[];
  readonly start: StartEvent | null;
  /** In the order in which they came; after a rollback the numbers go on. */
  readonly steps: readonly StepEvent[];
  readonly validations: readonly ValidationEvent[];
  readonly health: readonly HealthEvent[];
  /** The questions, by a probe's index. */
  readonly questions: readonly string[];
  /** In the order in which they came. Of a run that ended, the last round is that of the adapter that was kept. */
  readonly probes: readonly ReportProbe[];
  readonly voice: VoiceEvent | null;
  readonly done: ReportDone | null;

  readonly checks: readonly Pick<Check, "name" | "passed" | "evidence">[];
  readonly audit: AdapterAudit | null;
  readonly files: readonly ReportFile[];
}

export type ReportProbe = Pick<ProbeEvent, "step" | "index" | "text" | "ended"> & {
  readonly health?: ReportHealth | null | undefined;
};

/** Of a stored run it may name symptoms that nobody looks for any more. */
export type ReportHealth = Pick<AnswerHealth, "verdict"> & {
  readonly symptoms: readonly {
    readonly kind: string;
    readonly level: AnswerHealth["verdict"];
    readonly text: string;
  }[];
};

export type ReportDone = Pick<DoneEvent, "steps" | "chosen" | "chosenStep" | "skippedUpdates" | "stopped"> & {
  readonly endedEarly?: "early-stop" | "gave-up" | null | undefined;
  readonly rollbacks?: number | undefined;
};

export interface ReportFile {
  readonly name: string;
  readonly bytes: number | null;
  /** What it is for. */
  readonly about?: string | undefined;
}
