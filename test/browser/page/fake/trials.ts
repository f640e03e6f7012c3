/** Invented trials: a sweep that found a rate, a diagnosis that is under way, and one that named a fault. */
import type { DiagnosisSoFar, SweepSoFar } from "../../../../src/ui/state/trials.ts";

const RATES = Array.from({ length: 40 }, (_, i) => 6e-5 * (0.15 / 6e-5) ** (i / 39));
const lossAt = (rate: number): number => 3.9 - 2.1 / (1 + (2e-3 / rate) ** 1.5) + (rate / 0.04) ** 3;

export const SWEEP: SweepSoFar = {
  start: {
    ...{ type: "sweep-start", from: 6e-5, to: 0.15, updates: 40, startLoss: 3.9 },
    measured: { examples: 8, tokens: 240 },
  },
  points: RATES.map((rate, i) => ({
    ...{ type: "sweep-point", update: i + 1, rate, loss: lossAt(rate), batchLoss: lossAt(rate), gradNorm: 1 },
  })),
  end: {
    ...{ type: "sweep-end", updates: 40, stopped: false },
    suggestion: {
      ...{ rate: 2.4e-3, fallsAt: 6e-4, steepestAt: 2.4e-3, bestAt: 0.012, bestLoss: 1.95, turned: true },
      reason:
        "The loss falls fastest at 2.4e-3, from 3.90 before the first update; it is lowest at 0.012 and turns there.",
      divergedAt: 0.11,
    },
  },
};

const PHASES: DiagnosisSoFar["phases"] = [
  {
    ...{ phase: 1, title: "Baseline" },
    lines: [
      { passed: true, text: "The base answers 4 questions coherently." },
      { passed: null, text: "Loss of the base 3.90 on 8 examples." },
    ],
  },
  {
    phase: 2,
    title: "A minimal training",
    lines: [{ passed: true, text: "10 updates of 8 records, loss 3.90 → 2.61." }],
  },
  {
    ...{ phase: 3, title: "What changed, and what did not" },
    lines: [{ passed: false, text: "Base weights changed: model.layers.0.mlp.up_proj and 41 more." }],
  },
];

export const UNDER_WAY: DiagnosisSoFar = {
  phases: [PHASES[0]!, { phase: 2, title: "A minimal training", lines: null }],
  ...{ update: { update: 4, updates: 10 }, end: null },
};

export const FAULTY: DiagnosisSoFar = {
  ...{ phases: PHASES, update: { update: 10, updates: 10 } },
  end: {
    outcome: "base weights were changed",
    reasons: ["42 frozen tensors have other bits than before."],
    advice: "Do not use adapters trained here; report it with the run report.",
  },
};
