/** `lorikeet demo`: fine-tunes the built-in model on the built-in dataset, and shows what changed. */
import { readFile, stat } from "node:fs/promises";
import path from "node:path";
import { modelError } from "../../core/errors.ts";
import { formatNumber } from "../../core/units.ts";
import { wholeAnswer } from "../../train/answer.ts";
import { resolveConfig, type TrainConfig } from "../../train/config.ts";
import type { TrainingSession } from "../../train/session.ts";
import { oneLine, wrap } from "../format.ts";
import { INTERRUPTED } from "../io.ts";
import { demoFolder } from "../node/package.ts";
import { ADAPTER, knob } from "./flags.ts";
import { runnable } from "./runnable.ts";
import { adapterFact, closingFacts, lossPlot, reportFact, tryCommands } from "./training/closing.ts";
import { type Fact, factLines, inputFacts, planFacts } from "./training/describe.ts";
import { executeRun, type Outcome } from "./training/execute.ts";
import { preflightFacts } from "./training/health-lines.ts";
import { prepareRun } from "./training/prepare.ts";

/** As public/demo/README.md recommends for this small model. */
const KNOBS: Partial<TrainConfig> = { learningRate: 3e-3, warmup: 5, stepsPerEval: 16, saveEvery: 0 };
const STEPS = 64;
const ANSWER_TOKENS = 60;

const DEMO = {
  name: "demo",
  summary: "Teaches the built-in model a new voice: a whole fine-tuning run, start to end.",
  flags: [
    { ...ADAPTER, default: "runs/demo", meaning: "Folder to write the adapter to." },
    { ...knob("steps"), default: STEPS },
  ],
} as const;

const INTRODUCTION =
  "The built-in model, small enough for any machine, answers plainly. Now it learns a new voice from example chats.";

export const demo = runnable(DEMO, async ({ values }, io) => {
  const folder = demoFolder();
  const width = Math.min(io.out.columns ?? 100, 100);
  const stop = new AbortController();
  const release = io.onInterrupt(() => stop.abort());
  try {
    const config = resolveConfig({ ...KNOBS, steps: values.steps }, "lorikeet demo");
    const files = { model: "demo", data: folder, valid: undefined, adapterPath: values.adapterPath };
    const run = await prepareRun({ ...files, config, origin: { kind: "fresh" }, notes: [] }, io, stop.signal);
    const probes: string[] = JSON.parse(await readFile(path.join(folder, "probes.json"), "utf8"));
    io.out.write(`${wrap(INTRODUCTION, width).join("\n")}\n\n${factLines(inputFacts(run), width)}`);
    const before = await answers(run.session, probes);
    const outcome = await executeRun(run, io, stop.signal, async (start, { findings }) => {
      io.out.write(`${factLines([...planFacts(run, start), ...preflightFacts(findings)], width)}\n`);
    });
    if (!outcome.judged) return INTERRUPTED;
    io.out.write(`\n${lossPlot(outcome, width)}\n`);
    if (!outcome.place || outcome.judged.verdict === "collapsed") {
      throw modelError(`no usable adapter: ${outcome.judged.reason}`);
    }
    const after = await answers(run.session, probes);
    io.out.write(`\n${conversationLines(probes, before, after, width)}`);
    const bytes = (await stat(path.join(values.adapterPath, "adapters.safetensors"))).size;
    const facts: Fact[] = [
      ...closingFacts(outcome, outcome.judged),
      ...validationFact(outcome),
      adapterFact(outcome, values.adapterPath, bytes),
      reportFact(values.adapterPath),
    ];
    io.out.write(`\n${factLines(facts, width)}`);
    io.out.write(
      `\n${factLines(tryCommands(run.name, values.adapterPath, probes[0] ?? "Hello"), Number.POSITIVE_INFINITY)}`,
    );
    return outcome.done.stopped ? INTERRUPTED : 0;
  } finally {
    release();
  }
});

/** What the model says to each question, with whatever adapter is on it. */
async function answers(session: TrainingSession, probes: readonly string[]): Promise<string[]> {
  const said: string[] = [];
  for (const content of probes) {
    const { text } = await wholeAnswer(session, [{ role: "user", content }], { maxTokens: ANSWER_TOKENS });
    said.push(oneLine(text));
  }
  return said;
}

const INDENT = 10;

/** Each question with its two answers below it. */
function conversationLines(
  probes: readonly string[],
  before: readonly string[],
  after: readonly string[],
  width: number,
): string {
  const answer = (label: string, text: string) =>
    wrap(text, width - INDENT).map((line, i) => `${(i === 0 ? `  ${label}` : "").padEnd(INDENT)}${line}\n`);
  return probes
    .flatMap((probe, i) => [`${probe}\n`, ...answer("before", before[i]!), ...answer("after", after[i]!), "\n"])
    .join("")
    .trimEnd()
    .concat("\n");
}

function validationFact({ validations, done }: Outcome): Fact[] {
  const first = validations[0];
  const kept = validations.find(({ step }) => step === done.chosenStep);
  if (!first || !kept) return [];
  return [
    ["validation", `loss ${formatNumber(first.loss)} → ${formatNumber(kept.loss)} on records it never trained on`],
  ];
}
