/** `lorikeet train`: a model and a file of records in, a verified adapter out. */
import { stat } from "node:fs/promises";
import { modelError } from "../../core/errors.ts";
import { KNOBS } from "../../train/config.ts";
import { INTERRUPTED, type Io } from "../io.ts";
import { ADAPTER, CONFIG, DATA, MODEL, QUANTIZE, VALID } from "./flags.ts";
import { runnable } from "./runnable.ts";
import { adapterFact, closingFacts, lossPlot, reportFact, tryCommands } from "./training/closing.ts";
import { factLines, inputFacts, planFacts } from "./training/describe.ts";
import { executeRun, type Outcome } from "./training/execute.ts";
import { preflightFacts } from "./training/health-lines.ts";
import { type PreparedRun, prepareRun } from "./training/prepare.ts";
import { type RunRequest, readRequest } from "./training/request.ts";
import { ADAPTER_FILE } from "./training/run-output.ts";

const TRAIN = {
  name: "train",
  summary: "Trains a LoRA adapter on a file of records.",
  flags: [
    // Not required here: the YAML file may name them.
    { ...MODEL, required: false },
    QUANTIZE,
    {
      ...DATA,
      required: false,
      unit: "FILE.jsonl|DIR",
      meaning: "Records, or a folder with train.jsonl and valid.jsonl.",
    },
    VALID,
    { ...ADAPTER, meaning: "Folder to write the adapter to." },
    {
      name: "resumeAdapterFile",
      group: "Files",
      kind: "text",
      unit: "PATH",
      meaning: "Go on exactly from a checkpoint.safetensors, or start from an adapter's file or folder.",
    },
    CONFIG,
    ...KNOBS,
  ],
  foreign: {
    iters: "mlx-lm counts micro-batches; use --steps, which counts updates",
    "lora-layers": "use --num-layers",
    "lora-parameters": "use --rank, --alpha and --dropout",
    "grad-checkpoint": "use --checkpointing on",
    "fine-tune-type": "only LoRA is supported; leave it out",
    train: "leave it out: lorikeet train always trains",
    test: "use lorikeet eval afterwards",
    optimizer: "always AdamW; leave it out",
    "steps-per-report": "every update is in metrics.jsonl; leave it out",
  },
} as const;

export const train = runnable(TRAIN, async ({ given }, io) => {
  const request = await readRequest(given);
  const stop = new AbortController();
  const release = io.onInterrupt(() => stop.abort());
  try {
    const run = await prepareRun(request, io, stop.signal);
    return await trainPrepared(run, io, stop.signal);
  } finally {
    release();
  }
});

async function trainPrepared(run: PreparedRun, io: Io, stop: AbortSignal): Promise<number> {
  const { request } = run;
  const width = io.out.columns ?? 100;
  const replaces = await sizeOf(`${request.adapterPath}/${ADAPTER_FILE}`);
  io.out.write(factLines(inputFacts(run), width));
  if (replaces !== null && request.origin.kind !== "checkpoint") {
    io.out.write(factLines([["note", `${request.adapterPath} holds an adapter; it will be replaced`]], width));
  }
  const outcome = await executeRun(run, io, stop, async (start, { findings }) => {
    io.out.write(`${factLines([...planFacts(run, start), ...preflightFacts(findings)], width)}\n`);
  });
  return closeRun(run, outcome, io, width);
}

/** Exit status of a run whose adapter was written, but whose answers have collapsed. */
const COLLAPSED = 2;

/** Prints what came of it; returns the exit status. */
async function closeRun({ request, name }: PreparedRun, outcome: Outcome, io: Io, width: number): Promise<number> {
  const { done, checks, judged, place } = outcome;
  if (!judged) {
    io.err.write("stopped before the first update: nothing was written\n");
    return INTERRUPTED;
  }
  if (outcome.steps.length > 1) io.out.write(`\n${lossPlot(outcome, width)}\n`);
  io.out.write(`\n${factLines(closingFacts(outcome, judged), width)}`);
  if (!place)
    throw unusable(
      request,
      checks.filter(({ passed }) => !passed).map(({ name }) => name),
    );
  const bytes = (await sizeOf(`${place}/${ADAPTER_FILE}`)) ?? 0;
  io.out.write(`${factLines([adapterFact(outcome, place, bytes), reportFact(request.adapterPath)], width)}`);
  if (judged.verdict === "collapsed") {
    io.err.write(`${collapsedWords(place)}\n`);
    return COLLAPSED;
  }
  io.out.write(`\n${factLines(tryCommands(name, place, "…"), Number.POSITIVE_INFINITY)}`);
  if (!done.stopped) return 0;
  const resume = `--resume-adapter-file ${request.adapterPath}/checkpoint.safetensors`;
  io.out.write(
    `\nstopped after update ${done.steps} of ${outcome.start.totalSteps}; go on with the same command and ${resume}\n`,
  );
  return INTERRUPTED;
}

const collapsedWords = (place: string) =>
  `error: the answers have collapsed, so the adapter was not put where a good one goes but into ${place}\n` +
  "hint: Train again with a lower learning rate, and look at what the dataset answers; report.html has the samples.";

function unusable({ adapterPath }: RunRequest, failed: readonly string[]) {
  return modelError(
    `no adapter was written: the check "${failed.join('", "')}" failed`,
    `metrics.jsonl and run.json in ${adapterPath} show the course of the run. A lower learning rate is the usual cure.`,
  );
}

const sizeOf = (file: string): Promise<number | null> =>
  stat(file).then(
    ({ size }) => size,
    () => null,
  );
