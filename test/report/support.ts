/** Reports to look at and to take apart: runs of every kind, made from formulas, the same every time. */
import { type DefaultTreeAdapterMap, parse } from "parse5";
import { Random } from "../../src/core/random.ts";
import type { FactorAudit } from "../../src/lora/audit.ts";
import { isOutlier, robustZ } from "../../src/lora/outliers.ts";
import type { ReportInput, ReportProbe } from "../../src/report/input.ts";
import { resolveConfig } from "../../src/train/config.ts";
import type { HealthEvent, StepEvent, ValidationEvent } from "../../src/train/events.ts";

const REPORT = {
  ...{ records: 256, kept: 250, truncated: [17, 80], tokens: 13_647, supervised: 9243 },
  dropped: { "no token carries loss": [], "cut off before its answer": [3, 9, 27, 81] },
  forms: { messages: 250 },
  length: { min: 38, median: 53, max: 74 },
};

/** A run before anything has happened. */
export function emptyRun(changes: Partial<ReportInput> = {}): ReportInput {
  return {
    ...{ title: "A run", status: "failed", began: "2026-07-26T14:03:00.000Z", ended: "2026-07-26T14:03:09.000Z" },
    ...{ verdict: null, reason: "No update was made." },
    versions: { lorikeet: "0.1.0", node: "20.20.2" },
    device: { name: "Apple M3, metal-3", source: "metal", forms: [] },
    model: { name: "org/Tiny-0.5B", family: "llama", blocks: 24, parameters: 494e6, element: "bf16", bytes: 988e6 },
    config: resolveConfig({}, "test"),
    resumed: null,
    train: { name: "train.jsonl", report: REPORT },
    valid: null,
    peakBytes: 0,
    ...{ preflight: [], start: null, steps: [], validations: [], health: [], questions: [], probes: [] },
    ...{ voice: null, done: null, checks: [], audit: null, files: [] },
    ...changes,
  };
}

/** Updates `from` to `to` with a falling loss that scatters. */
export function stepsOf(from: number, to: number, lossAt = (step: number) => 1.2 + Math.exp(-step / 40)): StepEvent[] {
  const random = new Random(from);
  return Array.from({ length: to - from + 1 }, (_, i) => {
    const step = from + i;
    const scatter = 1 + 0.1 * (random.uniform() - 0.5);
    return {
      ...{ type: "step", step, epoch: 0, loss: lossAt(step) * scatter, gradNorm: 0.8 * scatter, finite: true },
      ...{ learningRate: 2e-4 * Math.min(1, step / 5), tokens: 420, supervisedTokens: 280, seconds: 0.4 * scatter },
    };
  });
}

export function validationsOf(losses: readonly (readonly [step: number, loss: number])[]): ValidationEvent[] {
  let best = Number.POSITIVE_INFINITY;
  return losses.map(([step, loss]) => {
    const lowest = step > 0 && loss < best;
    if (lowest) best = loss;
    return { type: "validation", step, loss, tokens: 1777, best: lowest };
  });
}

const LEAVES = ["q_proj", "k_proj", "v_proj", "o_proj"].map((name) => `self_attn.${name}`);
const MODULES = [...LEAVES, ...["gate_proj", "up_proj", "down_proj"].map((name) => `mlp.${name}`)];

export function factorsOf(blocks: number, change: (block: number, key: string) => Partial<FactorAudit> = () => ({})) {
  return Array.from({ length: blocks }, (_, block) =>
    MODULES.map((key, i): FactorAudit => {
      const norm_delta = 0.02 * (1 + i / 4) * (1 + 0.3 * Math.sin(block + i));
      return {
        ...{ module: `model.layers.${block}.${key}`, in_features: 896, out_features: 896, rank: 8, parameters: 14_336 },
        ...{ norm_A: 1.63, norm_B: norm_delta * 3, norm_delta, finite: true, zero: false, effective_rank: 5.2 },
        ...{ singular_values: [norm_delta * 0.8, norm_delta * 0.3], spectral_norm: norm_delta * 0.8 },
        ...{ robust_z: null, outlier: false },
        ...change(block, key),
      };
    }),
  ).flat();
}

export function auditOf(factors: readonly FactorAudit[]): NonNullable<ReportInput["audit"]> {
  const z = robustZ(factors);
  const marked = factors.map((factor, i) => ({ ...factor, robust_z: z[i]!, outlier: isOutlier(z[i]!) }));
  return {
    ...{ rank: 8, alpha: 16, scale: 2, layers: factors.length, tensors: 2 * factors.length, factors: marked },
    parameters: factors.reduce((sum, factor) => sum + factor.parameters, 0),
    finite: factors.every(({ finite }) => finite),
    zero: factors.every(({ zero }) => zero),
  };
}

export const CHECKS = [
  { name: "every number is finite", passed: true, evidence: "336 tensors" },
  { name: "every layer's adapter moved", passed: true, evidence: "168 of 168 layers" },
  { name: "the adapter changes the logits", passed: true, evidence: "relative change 3.10e-2" },
  { name: "the written file gives the live logits", passed: true, evidence: "relative difference 0.00e+0 on 3 probes" },
];

const QUESTIONS = ["What do children do on a windy day?", "Is a frog able to fly?", "I am hungry."];
const VOICES = [
  "No, a frog cannot fly.",
  "No. A frog cannot fly, though it jumps well.",
  "A frog, dear friend, cannot fly.",
];

/** Answers to all questions at each of the updates. */
export const probesOf = (
  steps: readonly number[],
  told: (i: number) => Partial<ReportProbe> = () => ({}),
): ReportProbe[] =>
  steps.flatMap((step, i) =>
    QUESTIONS.map((_, index) => ({
      ...{ step, index, text: VOICES[Math.min(i, 2)]!, ended: true, health: { verdict: "healthy", symptoms: [] } },
      ...told(i),
    })),
  );

/** Everything there can be, and all of it well. */
export function healthyRun(changes: Partial<ReportInput> = {}): ReportInput {
  const updates = 120;
  return emptyRun({
    ...{ title: "Pirate voice", status: "finished", ended: "2026-07-26T14:05:12.000Z" },
    ...{ verdict: "healthy", reason: "All 4 checks passed; the answers are coherent.", peakBytes: 2.1e9 },
    config: resolveConfig(
      { steps: updates, learningRate: 1e-4, stepsPerSample: 20, stepsPerEval: 20, rank: 8 },
      "test",
    ),
    valid: {
      name: "valid.jsonl",
      report: {
        ...REPORT,
        records: 48,
        kept: 48,
        truncated: [],
        dropped: { ...REPORT.dropped, "cut off before its answer": [] },
      },
    },
    preflight: [
      {
        id: "adapter",
        level: "good",
        title: "168 of 168 planned layers carry an adapter",
        evidence: "336 tensors, 4,399,104 parameters.",
      },
      {
        ...{ id: "step-size", level: "warn", title: "The step size is near the upper end of its band" },
        evidence: "Learning rate × alpha / rank is 2e-4; runs of this size stay steady between 4e-5 and 2.5e-4.",
        fix: "Lower the learning rate to 5e-5 if the loss jumps.",
      },
      { id: "memory", level: "note", title: "About 2.1 GB on the device", evidence: "The limit is 11.5 GB." },
    ],
    start: {
      ...{ type: "start", totalSteps: updates, doneSteps: 0, updatesPerEpoch: 32, warmup: 6 },
      ...{ layers: 168, tensors: 336, parameters: 4_399_104, blocks: { recomputed: 0, all: 24 } },
    },
    steps: stepsOf(1, updates),
    validations: validationsOf([
      [0, 2.31],
      [20, 1.98],
      [40, 1.71],
      [60, 1.55],
      [80, 1.49],
      [100, 1.47],
      [120, 1.48],
    ]),
    questions: QUESTIONS,
    probes: probesOf([0, 20, 40, 60, 80, 100, 120]),
    voice: {
      ...{ type: "voice", step: 100, questions: 12 },
      base: { score: 0.24, chrF: 0.21, style: 0.27 },
      tuned: { score: 0.61, chrF: 0.48, style: 0.74 },
    },
    done: {
      steps: updates,
      chosen: "best",
      chosenStep: 100,
      skippedUpdates: 0,
      stopped: false,
      endedEarly: null,
      rollbacks: 0,
    },
    checks: CHECKS,
    audit: auditOf(factorsOf(24)),
    files: [
      { name: "adapters.safetensors", bytes: 17_602_048, about: "the adapter, for mlx-lm" },
      { name: "metrics.jsonl", bytes: 24_901, about: "every update" },
    ],
    ...changes,
  });
}

const COMMAS = { text: ",".repeat(48), ended: false } as const;

/** The post-mortem's learning rate: three rollbacks, then given up; one update not finite; the answers are commas. */
export function collapsedRun(changes: Partial<ReportInput> = {}): ReportInput {
  const rising = (onset: number) => (step: number) => (step < onset ? 2.1 : 2.1 + 3 * (step - onset));
  const steps = [
    ...stepsOf(1, 22, rising(18)),
    ...stepsOf(23, 40, rising(36)),
    ...stepsOf(41, 60, rising(55)),
    ...stepsOf(61, 74, rising(70)),
  ];
  const halved = steps.map((step) => ({
    ...step,
    learningRate: step.learningRate * 2 ** -[22, 40, 60].filter((at) => step.step > at).length,
  }));
  const lost = { ...halved[29]!, loss: Number.NaN, gradNorm: Number.POSITIVE_INFINITY, finite: false };
  const back = (step: number, toStep: number, rateFactor: number): HealthEvent => ({
    ...({ type: "health", step, kind: "rise", level: "bad" } as const),
    text: "The loss rose from 2.10 to 14.1 within 5 updates.",
    rollback: { toStep, rateFactor, skippedUpdate: step - 2 },
    fix: "Lower the learning rate to 2e-5.",
  });
  const symptom = { kind: "run", level: "collapsed", text: "48 of 48 tokens are the same: “,”" } as const;
  return healthyRun({
    ...{ title: "Learning rate ten times too high", verdict: "collapsed", status: "finished" },
    reason: "Its answers have collapsed: 48 of 48 tokens are the same.",
    steps: halved.with(29, lost),
    validations: validationsOf([
      [0, 2.31],
      [20, 5.2],
      [40, 7.1],
      [60, 10.965],
    ]),
    health: [
      back(22, 16, 0.5),
      { type: "health", step: 30, kind: "skipped", level: "warn", text: "Loss is NaN: the update was not applied." },
      back(40, 32, 0.25),
      back(60, 48, 0.125),
      {
        type: "health",
        step: 74,
        kind: "gave-up",
        level: "bad",
        text: "The loss diverged again after three rollbacks.",
        rollback: { toStep: 64, rateFactor: 0.0625, skippedUpdate: 72 },
      },
    ],
    probes: probesOf([0, 20, 40, 74], (i) =>
      i < 2 ? {} : { ...COMMAS, health: { verdict: "collapsed", symptoms: [symptom] } },
    ),
    done: {
      steps: 74,
      chosen: "last",
      chosenStep: 64,
      skippedUpdates: 1,
      stopped: false,
      endedEarly: "gave-up",
      rollbacks: 4,
    },
    checks: [...CHECKS, { name: "its answers are coherent", passed: false, evidence: symptom.text }],
    audit: auditOf(
      factorsOf(24, (block, key) => {
        if (block === 3 && key.endsWith("q_proj")) return { norm_B: 0, norm_delta: 0, zero: true };
        if (block === 11 && key.endsWith("up_proj")) return { norm_delta: Number.NaN, finite: false };
        return block === 17 && key.endsWith("down_proj") ? { norm_delta: 1.9 } : {};
      }),
    ),
    ...changes,
  });
}

type Node = DefaultTreeAdapterMap["node"];
type Element = DefaultTreeAdapterMap["element"];

/** Every element of the file, as a browser's parser makes them. */
export const elementsOf = (report: string): Element[] => elementsIn(parse(report));

export function elementsIn(root: Node): Element[] {
  const found: Element[] = [];
  const walk = (node: Node) => {
    if ("tagName" in node) found.push(node);
    if ("childNodes" in node) node.childNodes.forEach(walk);
  };
  walk(root);
  return found;
}

export const attributeOf = (element: Element, name: string): string | undefined =>
  element.attrs.find((attribute) => attribute.name === name)?.value;

/** The text under a node, as one reads it. */
export function textOf(node: Node): string {
  if ("value" in node) return node.value;
  return "childNodes" in node ? node.childNodes.map(textOf).join("") : "";
}

/** The part of the report under one heading, as text. */
export function partText(report: string, id: string): string {
  const part = elementsOf(report).find((element) => attributeOf(element, "aria-labelledby") === id);
  if (!part) throw new Error(`the report has no part "${id}"`);
  return textOf(part).replace(/\s+/g, " ");
}
