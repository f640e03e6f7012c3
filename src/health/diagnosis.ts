/**
 * From what a diagnostic run measured to one named outcome, with its reasons and what to do. Pure. The four outcomes of
 * the post-mortems' own diagnostic come first in rank where they apply; two more name what theirs could not see.
 */
import { formatCount, formatNumber, listed } from "../core/units.ts";
import type { AnswerHealth } from "./answers.ts";

export const OUTCOMES = [
  "LoRA parameters missing",
  "base weights were changed",
  "parameters did not change",
  "parameters changed but answers are bad",
  "the adapter does not hold",
  "healthy",
] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** What became of one adapted layer. */
export interface LayerFacts {
  /** Hub path of the linear. */
  readonly module: string;
  /** The model's forward uses these factors: the layer in its tree holds them. */
  readonly inForward: boolean;
  /** Against the factors at the start. Of an adapter that was not trained here: B is not zero, as it began; A the same. */
  readonly movedA: boolean;
  readonly movedB: boolean;
  /** Norm of the last gradient of A and B together; null when nothing was trained. */
  readonly gradient: number | null;
  readonly finite: boolean;
}

export interface TrainingFacts {
  readonly updates: number;
  /** Not finite. */
  readonly skipped: number;
  /** Finite and at a rate above 0: only these move anything. */
  readonly applied: number;
  /** Numbers of AdamW's moments that are not 0. */
  readonly moments: { readonly m: number; readonly v: number; readonly of: number };
}

export interface DiagnosisFacts {
  /** Why no adapter could be put on the model at all. */
  readonly attachProblem: string | null;
  /** Linears that should be adapted, by name. */
  readonly planned: readonly string[];
  readonly layers: readonly LayerFacts[];
  /** Names of the frozen tensors whose bits are others than at the start. */
  readonly baseChanged: readonly string[];
  /** null: an adapter was brought. */
  readonly training: TrainingFacts | null;
  /** Mean over the same examples, natural log, without and with the adapter. */
  readonly loss: { readonly before: number; readonly after: number } | null;
  readonly answers: AnswerHealth | null;
  /** ‖with adapter − base‖ / ‖base‖ of logits; null when they could not be compared. */
  readonly logitsChange: number | null;
  /** What is wrong with the written file; null when it gives the live logits, or when nothing could be written. */
  readonly fileProblem: string | null;
}

export interface Diagnosis {
  readonly outcome: Outcome;
  /** Sentences, the decisive ones first. */
  readonly reasons: readonly string[];
  readonly advice: string;
}

/** A loss this much above the base's, on the data it was to learn, is damage. */
const WORSE = 1.25;

/** Every fault speaks as a reason; the outcome is the first in the order of `OUTCOMES` that has one. */
export function diagnose(facts: DiagnosisFacts): Diagnosis {
  const found = {
    "LoRA parameters missing": missing(facts),
    "base weights were changed": base(facts),
    "parameters did not change": still(facts),
    "parameters changed but answers are bad": bad(facts),
    "the adapter does not hold": state(facts),
  } satisfies Record<Exclude<Outcome, "healthy">, string[]>;
  const faults = OUTCOMES.flatMap((outcome) => (outcome === "healthy" || found[outcome].length === 0 ? [] : outcome));
  const [outcome = "healthy" as const] = faults;
  if (outcome === "healthy") return { outcome, reasons: good(facts), advice: ADVICE.healthy };
  return { outcome, reasons: faults.flatMap((fault) => found[fault]), advice: ADVICE[outcome] };
}

const ADVICE: Readonly<Record<Outcome, string>> = {
  "LoRA parameters missing":
    "Nothing of this model would be trained as an adapter. Name layers that it has with --target-modules, or use the model that the adapter was made for.",
  "base weights were changed":
    "Do not use anything trained here: an adapter must leave its base alone. Load the model anew; if it happens again, run the self-test and update the graphics driver.",
  "parameters did not change":
    "Training would waste its time. Where gradients arrive, the optimizer does not write; where none arrive, the layer is not in use. Run the self-test, update the graphics driver, and report it with these lines.",
  "parameters changed but answers are bad":
    "Train with a lower learning rate (lorikeet find-rate suggests one), and look at the data with lorikeet train's checks: answers follow what they teach.",
  "the adapter does not hold": "Do not hand this adapter on. Write it again, and check it with lorikeet inspect.",
  healthy: "Nothing to mend. A real run can begin.",
};

function missing({ attachProblem, planned, layers }: DiagnosisFacts): string[] {
  if (attachProblem !== null) return [attachProblem];
  if (layers.length === 0) return ["no LoRA parameter was found in the model"];
  const found = new Set(layers.map(({ module }) => module));
  const absent = planned.filter((module) => !found.has(module));
  return absent.length > 0 ? [`${of(absent.length, planned.length)} planned layers have none: ${listed(absent)}`] : [];
}

const base = ({ baseChanged }: DiagnosisFacts): string[] =>
  baseChanged.length > 0
    ? [`${formatCount(baseChanged.length)} tensors of the base are others now: ${listed(baseChanged)}`]
    : [];

function still({ layers, training }: DiagnosisFacts): string[] {
  if (training && training.applied === 0) {
    return [`none of the ${training.updates} updates was applied: not finite, or at a rate of 0 in the warm-up`];
  }
  const reasons: string[] = [];
  const add = (which: readonly LayerFacts[], text: string) => {
    if (which.length > 0) {
      reasons.push(`${of(which.length, layers.length)} layers: ${text}: ${listed(which.map(({ module }) => module))}`);
    }
  };
  const fixed = layers.filter(({ movedB }) => !movedB);
  if (!training) add(fixed, "B is zero, so they change nothing");
  else {
    add(
      fixed.filter(({ inForward }) => !inForward),
      "B did not move, the model's forward does not use it",
    );
    const used = fixed.filter(({ inForward }) => inForward);
    add(
      used.filter(({ gradient }) => gradient === 0),
      "B did not move, no gradient reached it",
    );
    add(
      used.filter(({ gradient }) => gradient !== 0),
      "B did not move though it has a gradient, the optimizer did not write",
    );
  }
  // The first update moves B alone: as long as B is zero, A has no gradient.
  const later = training ? training.applied > 1 : true;
  if (later)
    add(
      layers.filter(({ movedA, movedB }) => movedB && !movedA),
      training ? "A has no gradient, or did not move" : "A is zero",
    );
  return reasons;
}

function bad({ layers, loss, answers }: DiagnosisFacts): string[] {
  const reasons: string[] = [];
  const broken = layers.filter(({ finite }) => !finite).map(({ module }) => module);
  if (broken.length > 0) reasons.push(`${of(broken.length, layers.length)} layers are not finite: ${listed(broken)}`);
  const symptoms = (answers?.symptoms ?? []).map(({ kind, text }) => `answers: ${kind}: ${text}`);
  if (answers?.verdict === "collapsed") reasons.push(...symptoms);
  // Written so that NaN counts.
  if (loss && !(loss.after <= WORSE * loss.before)) {
    reasons.push(
      `the loss is ${formatNumber(loss.after)} with the adapter and ${formatNumber(loss.before)} without, on the same examples`,
    );
  }
  // Answers that would only be looked at twice bear out what else is wrong.
  if (reasons.length > 0 && answers?.verdict === "suspicious") reasons.push(...symptoms);
  return reasons;
}

function state({ training, logitsChange, fileProblem, layers }: DiagnosisFacts): string[] {
  const reasons: string[] = [];
  if (training && training.applied > 0 && (training.moments.m === 0 || training.moments.v === 0)) {
    reasons.push("the optimizer's moments are all zero after training");
  }
  const outside = layers.filter(({ inForward }) => !inForward).map(({ module }) => module);
  if (outside.length > 0) reasons.push(`the model's forward does not use ${listed(outside)}`);
  if (logitsChange === 0) reasons.push("the adapter does not change a single logit");
  if (logitsChange !== null && !Number.isFinite(logitsChange)) reasons.push("its logits are not finite, or all zero");
  if (fileProblem !== null) reasons.push(`the written file does not give its logits: ${fileProblem}`);
  return reasons;
}

function good({ layers, loss, answers, training }: DiagnosisFacts): string[] {
  const moved = training ? "moved" : "is not zero";
  return [
    `A and B ${moved} in all ${formatCount(layers.length)} layers, and no tensor of the base changed`,
    ...(loss ? [`the loss went from ${formatNumber(loss.before)} to ${formatNumber(loss.after)}`] : []),
    ...(answers?.verdict === "suspicious"
      ? answers.symptoms.map(({ kind, text }) => `answers: look at them: ${kind}: ${text}`)
      : []),
  ];
}

const of = (count: number, all: number) => `${formatCount(count)} of ${formatCount(all)}`;
