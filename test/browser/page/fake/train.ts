/** Invented states of the Train card. */
import type { ErrorData } from "../../../../src/core/errors.ts";
import { resolveConfig } from "../../../../src/train/config.ts";
import { memoryParts } from "../../../../src/train/memory-parts.ts";
import { PRESETS } from "../../../../src/train/presets.ts";
import { type AppState, INITIAL_STATE } from "../../../../src/ui/state/app-state.ts";
import type { Opening, RunDetail, RunEvent, RunOutcome, RunState } from "../../../../src/worker/protocol.ts";
import {
  BAD_FINDINGS,
  COLLAPSED,
  GAVE_UP,
  GOOD_FINDINGS,
  ODD,
  ROLLED_BACK,
  VOICE,
  withAnswers,
  withSkips,
} from "./health.ts";
import { CONFIG, eventsUntil, MODEL, OUTCOME, PLAN, QUESTIONS, RUNS, runState, UPDATES } from "./run.ts";
import type { FakeState } from "./run-stand.tsx";
import type { TRAIN_STATE_NAMES } from "./run-states.ts";
import { SWEEP } from "./trials.ts";

const OPEN: Partial<AppState> = {
  opened: { train: true },
  opening: { blocked: null, storage: { lasting: true } } as unknown as Opening,
};
const READY: Partial<AppState> = {
  ...OPEN,
  model: MODEL,
  data: {
    ...INITIAL_STATE.data,
    ...{ phase: "ready", source: "sample", title: "Sample dataset" },
    ...{ split: { train: 256, valid: 32, own: true }, questions: QUESTIONS },
  },
  preset: "standard",
  knobs: { ...PRESETS.standard.knobs, learningRate: 3e-3 },
  config: CONFIG,
  plan: PLAN,
};
const running = (phase: RunState["phase"], step: number, rest: Partial<AppState> = {}): FakeState => ({
  state: { ...READY, run: runState(phase), ...rest },
  events: eventsUntil(step),
});
const failed = (error: ErrorData, step: number): FakeState => ({
  state: { ...READY, runs: RUNS, run: runState("failed", { id: "run-8", error }) },
  events: eventsUntil(step),
});
const LOOKED: RunEvent = { type: "preflight", findings: GOOD_FINDINGS };
const watched = (phase: RunState["phase"], events: readonly RunEvent[], rest: Partial<RunState> = {}): FakeState => ({
  state: { ...READY, run: runState(phase, rest) },
  events: [LOOKED, ...events],
});
const answersHave = (level: "warn" | "bad", text: string): RunEvent => ({
  ...{ type: "health", step: UPDATES, kind: "answers", level, text },
});
/** Another end than the healthy one. */
const ended = (judged: RunOutcome["judged"], done: Partial<RunOutcome["done"]>, passed = true): RunOutcome => ({
  ...{ ...OUTCOME, judged, usable: judged.verdict !== "collapsed", done: { ...OUTCOME.done, ...done } },
  checks: OUTCOME.checks.map((check) =>
    check.about ? { ...check, passed, evidence: done.answers?.symptoms[0]?.text ?? check.evidence } : check,
  ),
});
const STEEP = { ...PRESETS.standard.knobs, learningRate: 0.03 };
const large = (kept: number) => ({
  ...{ ...PLAN, weightBytes: 988_000_000, peakBytes: 1_458_000_000 + kept, blocks: { recomputed: 9, all: 24 } },
  parts: memoryParts({
    ...{ weights: 988_000_000, adapter: 70_000_000, snapshots: 100_000_000 },
    ...{ kept, working: 200_000_000, spare: 100_000_000 },
  }),
});
const batch = { batchSize: 0 };

export const TRAIN_STATES: Readonly<Record<(typeof TRAIN_STATE_NAMES)[number], FakeState>> = {
  empty: { state: OPEN },
  waiting: { state: { ...READY, plan: null, model: { ...MODEL, phase: "loading" } } },
  ready: { state: READY },
  custom: {
    state: {
      ...READY,
      preset: "custom",
      knobs: { steps: 40, learningRate: 1e-3, maskPrompt: false },
      config: resolveConfig({ steps: 40, learningRate: 1e-3, maskPrompt: false }, "fake"),
      plan: { ...PLAN, updates: 40 },
      probes: ["Who are you?"],
    },
  },
  wrong: {
    state: {
      ...READY,
      ...{ preset: "custom", knobs: batch, config: null },
      knobProblem: { kind: "config", message: "training: 1 problem\n  batchSize: expected whole number ≥ 1, got 0" },
    },
  },
  tight: { state: { ...READY, plan: { ...large(3_900_000_000), verdict: "tight" } } },
  "too-large": {
    state: {
      ...READY,
      plan: { ...large(8_900_000_000), verdict: "too-large" },
    },
  },
  "too-wide": {
    state: {
      ...READY,
      plan: null,
      planError: {
        ...{ kind: "device", code: "update-too-large" },
        message: '"glu.y" needs 1.4 GB in one buffer, this device allows 1.1 GB',
        hint: "Use a smaller batch-size or a lower max-seq-length.",
      },
    },
  },
  refused: {
    state: {
      ...READY,
      problem: {
        card: "train",
        error: {
          kind: "config",
          message: "an answer is being made",
          hint: "Wait for it, or stop it in the Check card.",
        },
      },
    },
  },
  starting: { state: { ...READY, run: runState("starting", { start: null, doing: "Loading the model" }) } },
  first: running("training", 0, { run: runState("training", { doing: "" }) }),
  training: running("training", 37, { secondsLeft: 14.2 }),
  hidden: running("training", 37, { hidden: true }),
  pausing: running("pausing", 37),
  paused: running("paused", 37),
  verifying: running("verifying", UPDATES, { run: runState("verifying", { doing: "Checking the adapter" }) }),
  silent: {
    state: {
      ...READY,
      run: runState("training", {
        probes: [],
        config: resolveConfig({ ...PRESETS.trial.knobs, stepsPerSample: 0 }, "fake"),
      }),
    },
    events: eventsUntil(37).filter(({ type }) => type === "step"),
  },
  done: running("done", UPDATES, { run: runState("done", { outcome: OUTCOME }) }),
  unusable: running("done", UPDATES, {
    run: runState("done", {
      outcome: {
        ...OUTCOME,
        usable: false,
        judged: {
          verdict: "broken",
          reason: "Not to be used: “every number is finite” is not so (model.layers.0.self_attn.q_proj).",
        },
        checks: [{ name: "every number is finite", passed: false, evidence: "model.layers.0.self_attn.q_proj" }],
      },
    }),
  }),
  broken: {
    state: { ...READY, runs: RUNS, run: runState("failed", { id: "run-8", start: null }) },
    events: eventsUntil(37),
  },
  "device-lost": failed(
    {
      kind: "device",
      code: "device-lost",
      message: "[device] the GPU device was lost: A valid external Instance reference no longer exists.",
    },
    37,
  ),
  "out-of-memory": failed(
    {
      ...{ kind: "device", code: "out-of-memory" },
      message: "[device] out of memory: a buffer of 1.2 GB could not be made",
      hint: "Close other tabs and programs that use the GPU.",
    },
    0,
  ),
  "not-finite": {
    ...running("training", 20),
    events: [
      ...eventsUntil(19),
      {
        ...{ type: "step", step: 20, epoch: 0, loss: Number.NaN, gradNorm: Number.NaN, finite: false },
        ...{ learningRate: 3e-3, tokens: 400, supervisedTokens: 120, seconds: 0.5 },
      },
    ],
  },
  preflight: {
    ...watched("training", eventsUntil(2)),
    events: [{ type: "preflight", findings: BAD_FINDINGS }, ...eventsUntil(2)],
  },
  "rate-too-high": { state: { ...READY, preset: "custom", knobs: STEEP, config: resolveConfig(STEEP, "fake") } },
  "rolled-back": watched("training", [...eventsUntil(30), ROLLED_BACK, ...stepsAfter(30, 37)]),
  skipped: watched("training", withSkips(eventsUntil(37), [12, 36])),
  suspicious: watched(
    "done",
    [
      ...withAnswers(eventsUntil(UPDATES), UPDATES, ODD),
      answersHave("warn", "The answers look suspicious: 62 % of the 4-grams came before."),
      VOICE,
    ],
    {
      outcome: ended(
        { verdict: "suspicious", reason: `Usable, but its answers look odd: ${ODD.symptoms[0]!.text}.` },
        { answers: ODD },
      ),
    },
  ),
  collapsed: watched(
    "done",
    [
      ...withAnswers(eventsUntil(UPDATES), UPDATES, COLLAPSED, ",".repeat(96)),
      {
        ...answersHave("bad", "The answers have collapsed: one token (“,”) 96 times in a row."),
        fix: "Stop, and train again with a lower learning rate; look at the answers of the dataset, too.",
      } as RunEvent,
      { ...VOICE, tuned: { score: 0.02, chrF: 0.01, style: 0.03 } },
    ],
    {
      outcome: ended(
        { verdict: "collapsed", reason: `Its answers have collapsed: ${COLLAPSED.symptoms[0]!.text}.` },
        { answers: COLLAPSED },
        false,
      ),
    },
  ),
  "gave-up": watched("done", [...eventsUntil(30), ROLLED_BACK, ...stepsAfter(30, 60), GAVE_UP, VOICE], {
    outcome: ended(
      {
        verdict: "suspicious",
        reason: "Usable, but it diverged again and again, and was ended at its last good state.",
      },
      { endedEarly: "gave-up", rollbacks: 4, steps: 60, chosenStep: 48 },
    ),
  }),
  swept: { state: { ...READY, trial: { on: null, sweep: SWEEP, diagnosis: null } } },
  "sweep-begun": {
    state: { ...READY, trial: { on: "sweep", sweep: { ...SWEEP, points: [], end: null }, diagnosis: null } },
  },
  sweeping: {
    state: {
      ...READY,
      trial: { on: "sweep", sweep: { ...SWEEP, points: SWEEP.points.slice(0, 14), end: null }, diagnosis: null },
    },
  },
  /** As an older page wrote runs down. */
  old: {
    state: { ...READY, run: runState("done", { outcome: { ...OUTCOME, judged: undefined as never } }) },
    events: eventsUntil(UPDATES).map((event) =>
      event.type === "probe" ? { ...event, health: undefined as never } : event,
    ),
  },
};

/** What comes after update `from`. */
function stepsAfter(from: number, to: number): RunEvent[] {
  return eventsUntil(to).filter((event) => "step" in event && event.step > from);
}

export const TRAIN_ANSWERS = {
  plan: () => PLAN,
  runs: () => RUNS,
  runDetail: () => ({ summary: RUNS[0], events: eventsUntil(UPDATES) }) as unknown as RunDetail,
};
