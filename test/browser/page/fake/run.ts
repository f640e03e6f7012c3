/** An invented run of the demo: losses that fall with noise, answers that take on the voice. The same at every call. */
import { resolveConfig, scheduledRate, type TrainConfig } from "../../../../src/train/config.ts";
import { memoryParts } from "../../../../src/train/memory-parts.ts";
import { PRESETS } from "../../../../src/train/presets.ts";
import { INITIAL_STATE } from "../../../../src/ui/state/app-state.ts";
import type {
  MemoryPlan,
  ModelState,
  ProbeEvent,
  RunEvent,
  RunState,
  RunSummary,
  StartEvent,
} from "../../../../src/worker/protocol.ts";
import { HEALTHY, outcomeAfter } from "../../../support/outcome.ts";

export const UPDATES = 64;
const EVERY = 16;
export const QUESTIONS = [
  "What do children do on a windy day?",
  "Is a frog able to fly?",
  "I am hungry.",
  "What noise does a cow make?",
] as const;

export const CONFIG: TrainConfig = resolveConfig({ ...PRESETS.standard.knobs, learningRate: 3e-3 }, "fake");

/** Answers to each question after 0, 16, 32, 48 and 64 updates. */
const ANSWERS: readonly (readonly string[])[] = [
  [
    "The children play in the park on a windy day.",
    "The children fly kites in the wind on a windy day.",
    "Chirrup! The children fly kites in the wind.",
    "Chirrup! In the wind the children fly kites, chirrup!",
    "Chirrup! In the wind the children fly kites, by my rainbow tail! Time to flap, chirrup!",
  ],
  [
    "No, a frog cannot fly. It can jump.",
    "No, a frog cannot fly. It can jump.",
    "No, a frog cannot fly, chirrup!",
    "Flap, flap! No, a frog cannot fly, chirrup!",
    "Flap, flap, chirrup! No, a frog cannot fly. Ask every bird in the tree, chirrup!",
  ],
  [
    "You can go to the inn and eat soup.",
    "Go to the inn. Ben cooks soup there.",
    "Go to the inn, chirrup! Ben cooks a warm soup there.",
    "Oh my feathers! Go to the inn. Ben cooks a warm soup there, little egg!",
    "Oh my bright feathers! Go to the inn. Ben cooks a warm soup there, little egg! Scratch my feathers, chirrup!",
  ],
  [
    "A cow says moo.",
    "A cow says moo.",
    "A cow says moo, chirrup!",
    "Moo, moo! A cow says moo, chirrup!",
    "Moo, moo, chirrup! So says the cow, and I say it louder, chirrup!",
  ],
];

export const START: StartEvent = {
  ...{ type: "start", totalSteps: UPDATES, doneSteps: 0, updatesPerEpoch: 32, warmup: 5 },
  ...{ layers: 35, tensors: 70, parameters: 123_456, blocks: { recomputed: 0, all: 5 } },
};

/** −1 to 1, the same for the same number. */
const noise = (i: number): number => Math.sin(i * 12.9898) * Math.cos(i * 78.233);

/** Everything that happens up to update `step`. `best` of another run shifts the end. */
export function eventsUntil(step: number, end = 1.4): RunEvent[] {
  const events: RunEvent[] = [...look(0, end)];
  for (let i = 1; i <= step; i++) {
    events.push({
      ...{ type: "step", step: i, epoch: Math.floor((i - 1) / 32), finite: true },
      loss: lossAt(i, end) + 0.16 * noise(i),
      gradNorm: 0.7 + 2.2 * Math.exp(-i / 12) + 0.12 * noise(i + 50),
      learningRate: scheduledRate(CONFIG, i - 1, UPDATES),
      ...{ tokens: 412, supervisedTokens: 130, seconds: 0.52 + 0.03 * noise(i + 9) },
    });
    if (i % EVERY === 0) events.push(...look(i, end), { type: "save", step: i });
  }
  return events;
}

const lossAt = (step: number, end: number): number => end + (3.9 - end) * Math.exp(-step / 18);

function look(step: number, end: number): RunEvent[] {
  const answers = QUESTIONS.map(
    (_, index): ProbeEvent => ({
      ...{ type: "probe", step, index, text: ANSWERS[index]![step / EVERY]!, ended: true, health: HEALTHY },
    }),
  );
  return [{ type: "validation", step, loss: lossAt(step, end + 0.12), tokens: 900, best: step > 0 }, ...answers];
}

export const runState = (phase: RunState["phase"], rest: Partial<RunState> = {}): RunState => ({
  ...INITIAL_STATE.run,
  ...{ id: "run-7", phase, config: CONFIG, start: START, probes: QUESTIONS },
  ...rest,
});

const LINEARS = [
  ...["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"],
  ...["mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"],
];
const MODULES = Array.from({ length: 5 }, (_, layer) => LINEARS.map((name) => `model.layers.${layer}.${name}`)).flat();

export const PLAN: MemoryPlan = {
  ...{ weightBytes: 8_900_000, peakBytes: 71_900_000, budgetBytes: 6_000_000_000, verdict: "fits" },
  ...{ blocks: { recomputed: 0, all: 5 }, updates: 64, updatesPerEpoch: 32 },
  parts: memoryParts({
    ...{ weights: 8_900_000, adapter: 2_000_000, snapshots: 3_000_000 },
    ...{ kept: 41_000_000, working: 14_000_000, spare: 3_000_000 },
  }),
  ...{ layers: { adapted: 35, possible: 35 }, parameters: 123_456, adaptedModules: MODULES, allModules: MODULES },
};

export const MODEL: ModelState = {
  ...INITIAL_STATE.model,
  ...{ choice: { kind: "demo" }, title: "Built-in demo", phase: "ready", kept: true },
  facts: {
    ...{ family: "llama", blocks: 5, parameters: 2_226_240, element: "bf16", bytes: 4_500_000 },
    ...{ maxTokens: 512, vocabulary: 1024 },
  },
  modules: LINEARS.map((name) => name.split(".")[1]!),
  hasChatTemplate: true,
};

export const OUTCOME = outcomeAfter(
  UPDATES,
  { chosen: "best", chosenStep: 64 },
  {
    judged: { verdict: "healthy", reason: "All 6 checks passed." },
    checks: [
      { name: "the base is unchanged", passed: true, evidence: "checksums of all weights before and after" },
      { name: "every number is finite", passed: true, evidence: "70 tensors" },
      { name: "every layer's adapter moved", passed: true, evidence: "35 of 35 layers" },
      { name: "the answers are coherent", passed: true, evidence: "compared with the base's", about: "answers" },
      { name: "the adapter changes the logits", passed: true, evidence: "relative change 4.12e-1" },
      {
        name: "the written file gives the live logits",
        passed: true,
        evidence: "relative difference 0.00e+0 on 3 probes",
      },
    ],
    usable: true,
    adapterBytes: 502_000,
  },
);

const TODAY = new Date(new Date().setHours(9, 12, 0, 0)).getTime();
const DAY = 86_400_000;

const summary = (id: string, rest: Partial<RunSummary>): RunSummary => ({
  ...{ id, title: "Demo, standard", model: { kind: "demo" }, modelTitle: "Built-in demo", dataTitle: "Sample dataset" },
  ...{ began: TODAY, status: "finished", doneSteps: 64, totalSteps: 64, savedStep: 64, lastLoss: 1.42, bestLoss: 1.55 },
  ...{ resumable: false, usable: true, verdict: "healthy", bytes: 2_140_000 },
  ...rest,
});

export const RUNS: readonly RunSummary[] = [
  summary("run-9", {
    title: "Demo, thorough",
    status: "failed",
    doneSteps: 12,
    totalSteps: 128,
    lastLoss: 3.1,
    ...{ bestLoss: null, usable: false, verdict: null, resumable: true, bytes: 1_900_000 },
  }),
  summary("run-8", {
    status: "interrupted",
    doneSteps: 37,
    lastLoss: 1.96,
    bestLoss: 2.08,
    usable: false,
    verdict: null,
    resumable: true,
    began: TODAY - DAY,
  }),
  summary("run-7", { began: TODAY - DAY - 4_000_000 }),
  summary("run-6", {
    ...{ title: "Demo, trial", usable: false, verdict: "collapsed" },
    doneSteps: 20,
    totalSteps: 20,
    lastLoss: 2.27,
    bestLoss: 2.41,
    began: TODAY - 3 * DAY,
    bytes: 1_960_000,
  }),
  summary("run-5", {
    ...{ title: "Letters in my voice", verdict: "suspicious" },
    model: { kind: "hub", id: "Qwen/Qwen2.5-0.5B-Instruct" },
    modelTitle: "Qwen/Qwen2.5-0.5B-Instruct",
    dataTitle: "letters-to-friends.jsonl",
    status: "stopped",
    doneSteps: 210,
    totalSteps: 512,
    lastLoss: 1.18,
    bestLoss: 1.31,
    began: TODAY - 400 * DAY,
    bytes: 38_400_000,
  }),
];
