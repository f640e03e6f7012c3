/**
 * The diagnostic of the post-mortems, in their five phases: baseline, a minimal training, what changed, answers after,
 * state. It trains a throw-away adapter by bare updates, with no guard to save it, or examines one that is brought, and
 * ends in one named outcome (health/diagnosis.ts). The model is as before at the end.
 */
import { memoryModel } from "../core/bytes.ts";
import { relativeDifference } from "../core/difference.ts";
import { LorikeetError } from "../core/errors.ts";
import type { Example } from "../data/encode.ts";
import { type Diagnosis, type DiagnosisFacts, diagnose, type TrainingFacts } from "../health/diagnosis.ts";
import type { Adapter, AdapterFactor } from "../lora/adapter.ts";
import { type AttachedLora, adapterOf, attachAdapter, detachAdapter, freeLora, readFactors } from "../lora/attach.ts";
import { exportMlx } from "../lora/export.ts";
import { checkAdapterFits } from "../lora/fits.ts";
import { linearShapes, targetLayers } from "../lora/targets.ts";
import { scheduledRate, type TrainConfig } from "./config.ts";
import { openBench } from "./diagnosis-bench.ts";
import { countNonZero, layerFacts, readTensor } from "./diagnosis-facts.ts";
import {
  answerLines,
  baselineLines,
  changeLines,
  type EvidenceLine,
  stateLines,
  trainingLines,
} from "./diagnosis-lines.ts";
import { changedTensors, fingerprintBase } from "./fingerprint.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { TrainingSession } from "./session.ts";
import { Trial } from "./trial.ts";
import { checkFile, probeExamples } from "./verify.ts";

export interface DiagnoseRequest {
  /** `steps`: updates of the minimal training; "auto" makes a few. */
  readonly config: TrainConfig;
  readonly train: readonly Example[];
  /** Where there are some, questions and losses are of these. */
  readonly valid?: readonly Example[];
  /** Examine this one instead of training one. */
  readonly adapter?: Adapter | undefined;
  /** Memory of this machine, where there is an idea of it. */
  readonly budget?: MemoryBudget | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type PhaseNumber = 1 | 2 | 3 | 4 | 5;

/** Plain data, for the command line and the page. */
export type DiagnoseEvent =
  | { readonly type: "phase-begin"; readonly phase: PhaseNumber; readonly title: string }
  | { readonly type: "phase-end"; readonly phase: PhaseNumber; readonly lines: readonly EvidenceLine[] }
  | { readonly type: "trial-update"; readonly update: number; readonly updates: number; readonly loss: number }
  | { readonly type: "diagnosis"; readonly diagnosis: Diagnosis; readonly facts: DiagnosisFacts };

export const PHASES: Readonly<Record<PhaseNumber, string>> = {
  1: "Baseline",
  2: "A minimal training",
  3: "What changed, and what did not",
  4: "Answers after",
  5: "State",
};

/** Enough for every A and B to move and the loss to fall; few enough for minutes on a slow machine. */
const UPDATES = 10;

/** The adapter that is looked at, trained here or brought. */
interface Subject {
  /** Linears that should have it, found in the model before it was put on. */
  readonly planned: readonly string[];
  readonly lora: AttachedLora;
  readonly trial: Trial | null;
  /** Before training. */
  readonly initial: readonly AdapterFactor[] | null;
  free(): void;
}

/**
 * Goes through the phases and yields their evidence; the last event is the diagnosis. Whatever adapter was on the model
 * is back at the end, also when it was stopped (AbortError) or failed.
 */
export async function* runDiagnosis(session: TrainingSession, request: DiagnoseRequest): AsyncGenerator<DiagnoseEvent> {
  const { train, valid = [], signal } = request;
  const before = detachAdapter(session.model.tree);
  let subject: Subject | null = null;
  try {
    yield begin(1);
    const examples = valid.length > 0 ? valid : train;
    const { batchSize } = request.config;
    const bench = await openBench(session, examples, { batchSize, signal });
    const fingerprint = await fingerprintBase(session.device, session.model);
    const baseline = await bench.look();
    yield end(1, baselineLines(bench, baseline, fingerprint));

    const attached = await attach(session, request);
    yield begin(2);
    if ("problem" in attached) {
      yield end(2, [{ passed: false, text: attached.problem }]);
      yield ended({ ...NOTHING, attachProblem: attached.problem });
      return;
    }
    subject = attached;
    const training = yield* trainBriefly(session, subject, request);

    yield begin(3);
    const { device, model } = session;
    const adapter = adapterOf(subject.lora, model.config, await readTensor(device, subject.lora.parameters));
    const layers = await layerFacts(device, model, subject, adapter);
    const baseChanged = changedTensors(fingerprint, await fingerprintBase(device, model));
    const { planned } = subject;
    const changes = { attachProblem: null, planned, layers, baseChanged, training };
    yield end(3, changeLines(changes, adapter, fingerprint));

    yield begin(4);
    const after = await bench.look();
    const loss = { before: baseline.loss, after: after.loss };
    const answers = bench.judge(baseline, after);
    yield end(4, answerLines(bench, baseline, after, answers));

    yield begin(5);
    const finite = layers.every((layer) => layer.finite);
    const logitsChange = relativeDifference(after.logits, baseline.logits);
    const probes = { probes: probeExamples(examples), live: after.logits };
    const written = () => memoryModel("the written adapter", exportMlx(adapter));
    const file = finite ? await checkFile(device, model, adapter, written(), probes) : null;
    const problem = file && !file.passed ? file.evidence : null;
    const facts: DiagnosisFacts = { ...changes, loss, answers, logitsChange, fileProblem: problem };
    yield end(5, stateLines(facts, adapter));
    yield ended(facts);
  } finally {
    subject?.free();
    before.putBack();
  }
}

const begin = (phase: PhaseNumber): DiagnoseEvent => ({ type: "phase-begin", phase, title: PHASES[phase] });
const end = (phase: PhaseNumber, lines: readonly EvidenceLine[]): DiagnoseEvent => ({
  type: "phase-end",
  phase,
  lines,
});
const ended = (facts: DiagnosisFacts): DiagnoseEvent => ({ type: "diagnosis", diagnosis: diagnose(facts), facts });

/** Before anything was found out. */
const NOTHING: DiagnosisFacts = {
  attachProblem: null,
  planned: [],
  layers: [],
  baseChanged: [],
  training: null,
  loss: null,
  answers: null,
  logitsChange: null,
  fileProblem: null,
};

/** A fresh adapter, or the one that was brought; `problem`: what a person should know when it does not go on. */
async function attach(
  { device, model }: TrainingSession,
  { adapter, config, train, budget }: DiagnoseRequest,
): Promise<Subject | { problem: string }> {
  try {
    if (!adapter) {
      const planned = targetLayers(model.tree, config).map(({ path }) => path);
      const trial = await Trial.begin({ device, model, config, train, budget });
      const { lora } = trial;
      const initial = readFactors(lora, await readTensor(device, lora.parameters));
      return { planned, lora, trial, initial, free: () => trial.free() };
    }
    checkAdapterFits(adapter, linearShapes(model.tree));
    const lora = attachAdapter(model.tree, device, adapter, { trainable: false });
    const free = () => {
      detachAdapter(model.tree);
      freeLora(device, lora);
    };
    const planned = adapter.factors.map(({ module }) => module);
    return { planned, lora, trial: null, initial: null, free };
  } catch (error) {
    if (error instanceof LorikeetError && error.kind === "model") return { problem: error.message };
    throw error;
  }
}

async function* trainBriefly(
  { device }: TrainingSession,
  { trial }: Subject,
  { config, signal }: DiagnoseRequest,
): AsyncGenerator<DiagnoseEvent, TrainingFacts | null> {
  if (!trial) {
    yield end(2, [{ passed: null, text: "skipped: an adapter was given to examine" }]);
    return null;
  }
  const updates = config.steps === "auto" ? UPDATES : config.steps;
  const losses: number[] = [];
  let [applied, skipped] = [0, 0];
  for (let step = 0; step < updates; step++) {
    signal?.throwIfAborted();
    const rate = scheduledRate(config, step, updates);
    const { loss, finite } = await trial.update(rate);
    if (!finite) skipped += 1;
    else if (rate > 0) applied += 1;
    losses.push(loss);
    yield { type: "trial-update", update: step + 1, updates, loss };
  }
  const [m, v] = [await readTensor(device, trial.optimizer.m), await readTensor(device, trial.optimizer.v)];
  const facts = { updates, skipped, applied, moments: { m: countNonZero(m), v: countNonZero(v), of: m.length } };
  yield end(2, trainingLines(config, facts, losses));
  return facts;
}
