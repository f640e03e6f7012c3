/** Invented states of the support gate, the trust badge, and the Check and Download cards. */
import type { ErrorData } from "../../../../src/core/errors.ts";
import { resolveConfig } from "../../../../src/train/config.ts";
import { type AppState, INITIAL_STATE } from "../../../../src/ui/state/app-state.ts";
import type {
  AnswerEvent,
  NamedBlob,
  Opening,
  ProbeEvent,
  RunOutcome,
  RunState,
  SelfTestResult,
  SupportRow,
} from "../../../../src/worker/protocol.ts";
import { outcomeAfter } from "../../../support/outcome.ts";
import { AUDIT } from "./audit.ts";
import { COLLAPSED, ODD } from "./health.ts";
import { MIX, MIX_RUNS } from "./mix.ts";
import { DEMO } from "./model.ts";
import { FAULTY, UNDER_WAY } from "./trials.ts";

const need = (name: string, value: number, needed: number, unit: "bytes" | ""): SupportRow => ({
  ...{ name, value, needed, unit, ok: value >= needed, meaning: "What the kernels take at once." },
});
const has = (name: string, value: boolean): SupportRow => ({
  ...{ name, value, needed: true, unit: "", ok: value, meaning: "The way from a web page to the graphics processor." },
});
const extra = (name: string, value: boolean): SupportRow => ({
  ...{ name, value, needed: null, unit: "", ok: true, meaning: "Not used: Safari does not have them." },
});

const ROWS = [
  ...[has("Secure page", true), has("WebGPU", true), has("Graphics adapter", true)],
  need("Storage buffers per shader", 8, 8, ""),
  need("Largest binding", 1_073_741_824, 134_217_728, "bytes"),
  need("Largest buffer", 1_073_741_824, 268_435_456, "bytes"),
  ...[extra("Half-precision arithmetic", true), extra("Subgroups", false)],
];
const CASES = ["Product", "Product with LoRA", "RMS norm", "Rotary positions", "Attention", "GLU", "Loss", "AdamW"];
const TESTS: readonly SelfTestResult[] = CASES.map((name, i) => ({
  ...{ name, guards: "A wrong answer here would train a wrong adapter.", passed: true, error: 3e-7, tolerance: 1e-4 },
  ...{ evidence: `largest at element ${i * 12}: expected 0.41273, got 0.41273`, milliseconds: 12 + i },
}));
const FAILED_TESTS = TESTS.map((test, i) =>
  i === 4 ? { ...test, passed: false, error: 0.31, evidence: "at query 3, head 1: expected 0.2071, got 0.3005" } : test,
);

const OPENING: Opening = {
  support: {
    adapter: { name: "Apple M2", vendor: "apple", architecture: "metal-3", software: false },
    rows: ROWS,
    verdict: { state: "ready" },
  },
  environment: [extra("Private file system", true), extra("Locks between tabs", true)],
  selfTests: TESTS,
  storage: {
    ...{ lasting: true, note: "Kept in this browser on this machine." },
    ...{ usedBytes: 1_574_000_000, quotaBytes: 48_000_000_000 },
  },
  draft: null,
  blocked: null,
};

const device = (message: string, hint: string, code: NonNullable<ErrorData["code"]>): ErrorData => ({
  ...{ kind: "device", message, hint, code },
});

function blockedBy(reason: string, remedy: string, rows: readonly SupportRow[]): Opening {
  return {
    ...OPENING,
    support: { adapter: null, rows, verdict: { state: "blocked", reason, remedy } },
    selfTests: [],
    blocked: device(reason, remedy, "no-webgpu"),
  };
}

const NO_WEBGPU = blockedBy(
  "This browser has no WebGPU.",
  "Use Safari 26 on macOS 26, Chrome or Edge 123 and later, or Firefox 141 and later on Windows.",
  [has("Secure page", true), has("WebGPU", false), has("Graphics adapter", false)],
);
const INSECURE = blockedBy(
  "This page did not come over a secure connection, so the browser hides WebGPU.",
  "Open the page over https, or from localhost.",
  [has("Secure page", false), has("WebGPU", false), has("Graphics adapter", false)],
);
const LIMITS = blockedBy(
  "The graphics adapter allows too little: Storage buffers per shader is 4, needed is 8.",
  "Update the browser and the system; where that does not help, use another browser or another computer.",
  [...ROWS.slice(0, 3), need("Storage buffers per shader", 4, 8, ""), ...ROWS.slice(4)],
);

const PROBES = [
  "What is the parrot called?",
  "Who looks after the lighthouse, and since when has anybody done so in this town?",
  "Name three birds.",
];

const CHECKS: RunOutcome["checks"] = [
  { name: "the base is unchanged", passed: true, evidence: "checksums of all weights before and after" },
  { name: "every number is finite", passed: true, evidence: "56 tensors" },
  { name: "every layer's adapter moved", passed: true, evidence: "28 of 28 layers" },
  { name: "the answers are coherent", passed: true, evidence: "compared with the base's", about: "answers" },
  { name: "the adapter changes the logits", passed: true, evidence: "relative change 3.41e-1" },
  { name: "the written file gives the live logits", passed: true, evidence: "relative difference 0.00e+0 on 3 probes" },
];
const OUTCOME = outcomeAfter(64, { chosen: "best", chosenStep: 50 }, { checks: CHECKS, adapterBytes: 1_180_000 });
const SUSPICIOUS: RunOutcome = {
  ...OUTCOME,
  judged: { verdict: "suspicious", reason: `Usable, but its answers look odd: ${ODD.symptoms[0]!.text}.` },
};
const FALLEN: RunOutcome = {
  ...{ ...OUTCOME, usable: false },
  judged: { verdict: "collapsed", reason: `Its answers have collapsed: ${COLLAPSED.symptoms[0]!.text}.` },
  checks: CHECKS.map((check) => (check.about ? { ...check, passed: false } : check)),
};
const { judged: _, ...OLD } = OUTCOME;
const FALLEN_ANSWERS = PROBES.map(
  (_, index): ProbeEvent => ({
    ...{ type: "probe", step: 64, index, text: ",".repeat(96), ended: false, health: COLLAPSED },
  }),
);
const REFUSED: RunOutcome = {
  ...{ ...OUTCOME, usable: false },
  judged: {
    verdict: "broken",
    reason: "Not to be used: “every number is finite” is not so (model.layers.2.self_attn.q_proj).",
  },
  checks: [
    { name: "every number is finite", passed: false, evidence: "model.layers.2.self_attn.q_proj" },
    { name: "every layer's adapter moved", passed: true, evidence: "28 of 28 layers" },
  ],
};

const RUN: RunState = { ...INITIAL_STATE.run, id: "run-1", phase: "done", probes: PROBES, outcome: OUTCOME };
const HUB = { kind: "hub", id: "Qwen/Qwen2.5-0.5B-Instruct" } as const;

const REQUESTS: AppState["requests"] = [
  { url: "demo/config.json", bytes: 612, count: 1 },
  { url: "demo/tokenizer.json", bytes: 41_300, count: 1 },
  { url: "demo/model.safetensors", bytes: 2_310_000, count: 3 },
];
const HUB_REQUESTS: AppState["requests"] = [
  ...REQUESTS,
  { url: `https://huggingface.co/${HUB.id}/resolve/main/config.json`, bytes: 659, count: 1 },
  { url: `https://huggingface.co/${HUB.id}/resolve/main/tokenizer.json`, bytes: 7_031_645, count: 1 },
  {
    url: "https://cas-bridge.xethub.hf.co/xet-bridge-us/66e/f3a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=2026",
    bytes: 988_097_824,
    count: 61,
  },
];

function state(changes: Partial<AppState>): Partial<AppState> {
  const opened = { check: true, download: true };
  const model = { ...DEMO, phase: "ready" } as const;
  return { opening: OPENING, model, opened, requests: REQUESTS, ...changes };
}

const side = (side: "base" | "tuned", text: string, ended: boolean | null): AnswerEvent => ({
  id: 1,
  side,
  text,
  ended,
});
const answers = (base: AnswerEvent | null, tuned: AnswerEvent | null, question = PROBES[0]!) => ({
  comparison: { question, sides: { base, tuned } },
});
const asked = (changes: Partial<AppState>) => state({ run: RUN, ...changes });
const BASE = "I am not sure what the parrot is called. It could be any name that a parrot has.";
const TUNED = "The parrot is called Pip. It lives in the blue house by the harbour, and it could be any age.";

const SIDES_WITHOUT = { check: false, download: false };

export const CLOSING_STATES: Readonly<Record<string, Partial<AppState>>> = {
  looking: state({ opening: null, opened: SIDES_WITHOUT, requests: [] }),
  empty: state({}),
  running: state({ run: { ...RUN, phase: "training", outcome: null } }),
  ready: asked({}),
  answering: asked({
    answering: "comparison",
    ...answers(side("base", BASE, null), side("tuned", "The parrot is called Pip. It", null)),
  }),
  waiting: asked({ answering: "comparison", ...answers(null, null) }),
  answered: asked({
    ...answers(side("base", BASE, false), side("tuned", TUNED, true)),
    chat: [
      {
        question: "Hello, who are you?",
        answer: "I am the keeper of the harbour. Ask me about the boats.",
        ended: true,
      },
      { question: "Which boat came today?", answer: "The Heron, with salt and", ended: false },
    ],
    model: { ...DEMO, choice: HUB, title: HUB.id, phase: "ready", kept: true },
    requests: HUB_REQUESTS,
  }),
  diagnosing: asked({ trial: { on: "diagnosis", sweep: null, diagnosis: UNDER_WAY } }),
  diagnosed: asked({ config: resolveConfig({}, "fake"), trial: { on: null, sweep: null, diagnosis: FAULTY } }),
  mixable: asked({ runs: MIX_RUNS }),
  mixed: asked({ runs: MIX_RUNS, mix: MIX, ...answers(side("base", BASE, true), side("tuned", TUNED, true)) }),
  same: asked(answers(side("base", BASE, true), side("tuned", BASE, true))),
  chatting: asked({
    answering: "chat",
    chat: [{ question: "Hello, who are you?", answer: "I am the keeper", ended: null }],
  }),
  folder: asked({ model: { ...DEMO, choice: { kind: "folder", name: "my model" }, phase: "ready" } }),
  suspicious: state({ run: { ...RUN, outcome: SUSPICIOUS } }),
  collapsed: state({ run: { ...RUN, outcome: FALLEN }, probeAnswers: FALLEN_ANSWERS }),
  old: state({ run: { ...RUN, outcome: OLD as RunOutcome } }),
  refused: state({ run: { ...RUN, outcome: REFUSED } }),
  failed: state({ run: { ...RUN, phase: "failed", outcome: null } }),
  "device-lost": asked({
    problem: {
      card: "check",
      error: device("the GPU device was lost: unknown reason", "Reload the page.", "device-lost"),
    },
    ...answers(side("base", BASE, null), null),
  }),
  "out-of-memory": asked({
    problem: { card: "check", error: device("the GPU ran out of memory", "Ask something shorter.", "out-of-memory") },
    ...answers(null, null),
  }),
  "no-adapter": asked({
    problem: {
      card: "check",
      error: { kind: "model", message: "the model is not loaded", hint: "Load it in the Model card." },
    },
  }),
  busy: asked({
    problem: {
      card: "check",
      error: {
        kind: "config",
        message: "Asking the model: a run is on",
        hint: "Stop the run first, or wait for its end.",
      },
    },
    ...answers(null, null),
  }),
  "no-webgpu": state({ opening: NO_WEBGPU, opened: SIDES_WITHOUT }),
  insecure: state({ opening: INSECURE, opened: SIDES_WITHOUT }),
  limits: state({ opening: LIMITS, opened: SIDES_WITHOUT }),
  "self-test": state({
    opening: {
      ...{ ...OPENING, selfTests: FAILED_TESTS },
      blocked: device(
        "this GPU or browser computes 1 of 8 test cases wrongly:\n  Attention: at query 3, head 1",
        "Update the browser and the system, or use another browser.",
        "self-test-failed",
      ),
    },
    opened: SIDES_WITHOUT,
  }),
  broken: state({
    ...{ opening: null, opened: SIDES_WITHOUT, requests: [] },
    broken: { kind: "device", message: "the worker could not be loaded", hint: "Reload the page." },
  }),
  software: state({
    opening: {
      ...OPENING,
      support: {
        ...OPENING.support,
        adapter: { name: "SwiftShader", vendor: "google", architecture: "swiftshader", software: true },
      },
      storage: { lasting: false, note: "Kept only until this tab closes.", usedBytes: null, quotaBytes: null },
    },
    opened: SIDES_WITHOUT,
  }),
};

const file = (name: string): NamedBlob => ({ name, blob: new Blob(["x".repeat(1200)]) });

/** `?answer=refuse` makes the engine refuse what a card asks of it. */
const refuses = () => new URLSearchParams(location.search).get("answer") === "refuse";
function unless<T>(value: T): T {
  if (refuses()) throw new Error("me/nothing: the Hub refused the upload: 403");
  return value;
}

export const CLOSING_ANSWERS = {
  audit: () => unless(AUDIT),
  runDetail: () => ({ events: [] }),
  runFile: (_: string, name: string) => unless(file(name)),
  pushToHub: ({ repository }: { repository: string }) => unless({ url: `https://huggingface.co/${repository}` }),
};
