/** What a sweep of learning rates or a diagnosis has told so far, gathered from its events. Pure. */
import type { DiagnoseEvent, SweepEvent, SweepPointEvent, TrialEvent } from "../../worker/protocol.ts";

export interface SweepSoFar {
  readonly start: Extract<SweepEvent, { type: "sweep-start" }> | null;
  readonly points: readonly SweepPointEvent[];
  readonly end: Extract<SweepEvent, { type: "sweep-end" }> | null;
}

export interface PhaseSoFar {
  readonly phase: number;
  readonly title: string;
  /** Null while it is under way. */
  readonly lines: Extract<DiagnoseEvent, { type: "phase-end" }>["lines"] | null;
}

export interface DiagnosisSoFar {
  readonly phases: readonly PhaseSoFar[];
  readonly update: { readonly update: number; readonly updates: number } | null;
  readonly end: Extract<DiagnoseEvent, { type: "diagnosis" }>["diagnosis"] | null;
}

export interface Trials {
  /** Which is on. */
  readonly on: "sweep" | "diagnosis" | null;
  readonly sweep: SweepSoFar | null;
  readonly diagnosis: DiagnosisSoFar | null;
}

export const NO_TRIALS: Trials = { on: null, sweep: null, diagnosis: null };
export const NO_SWEEP: SweepSoFar = { start: null, points: [], end: null };
export const NO_DIAGNOSIS: DiagnosisSoFar = { phases: [], update: null, end: null };

export function takeTrial(trials: Trials, event: TrialEvent): Trials {
  const sweep = trials.sweep ?? NO_SWEEP;
  const diagnosis = trials.diagnosis ?? NO_DIAGNOSIS;
  switch (event.type) {
    case "sweep-start":
      return { ...trials, sweep: { ...NO_SWEEP, start: event } };
    case "sweep-point":
      return { ...trials, sweep: { ...sweep, points: [...sweep.points, event] } };
    case "sweep-end":
      return { ...trials, sweep: { ...sweep, end: event } };
    case "phase-begin": {
      const { phase, title } = event;
      return { ...trials, diagnosis: { ...diagnosis, phases: [...diagnosis.phases, { phase, title, lines: null }] } };
    }
    case "phase-end": {
      const phases = diagnosis.phases.map((one) => (one.phase === event.phase ? { ...one, lines: event.lines } : one));
      return { ...trials, diagnosis: { ...diagnosis, phases } };
    }
    case "trial-update":
      return { ...trials, diagnosis: { ...diagnosis, update: { update: event.update, updates: event.updates } } };
    case "diagnosis":
      return { ...trials, diagnosis: { ...diagnosis, end: event.diagnosis } };
  }
}
