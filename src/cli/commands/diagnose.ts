/** `lorikeet diagnose`: does training work here, and if not, where does it break? Five phases and one named outcome. */

import { readDataset } from "../../data/dataset.ts";
import type { Diagnosis, DiagnosisFacts } from "../../health/diagnosis.ts";
import { suitableRate } from "../../health/step-size.ts";
import { resolveConfig, type TrainConfig } from "../../train/config.ts";
import { type DiagnoseEvent, PHASES, runDiagnosis } from "../../train/diagnose.ts";
import type { EvidenceLine } from "../../train/diagnosis-lines.ts";
import { modelFacts } from "../../train/facts.ts";
import { givenKnobs } from "../args.ts";
import { oneLine, wrap } from "../format.ts";
import type { Io } from "../io.ts";
import { readAdapter } from "../node/adapter-place.ts";
import { openDatasetFiles } from "../node/dataset-files.ts";
import { machineBudget } from "../node/memory.ts";
import { ADAPTER, DATA, JSON_OUTPUT, knob, MODEL, QUANTIZE, UPDATE_KNOBS, VALID } from "./flags.ts";
import { openSession } from "./open-session.ts";
import { runnable } from "./runnable.ts";
import { factLines } from "./training/describe.ts";

const DIAGNOSE = {
  name: "diagnose",
  summary: "Trains a little and looks at everything that should change, and should not: is training sound here?",
  flags: [
    MODEL,
    QUANTIZE,
    { ...DATA, unit: "FILE.jsonl|DIR" },
    VALID,
    { ...ADAPTER, meaning: "Examine this adapter instead of training one." },
    {
      ...knob("steps"),
      auto: "10",
      meaning: "Updates of the minimal training.",
    },
    {
      ...knob("learningRate"),
      default: "auto",
      auto: "what suits the model's size and the adapter's scale",
    },
    knob("lrSchedule"),
    knob("warmup"),
    ...UPDATE_KNOBS,
    JSON_OUTPUT,
  ],
} as const;

export const diagnosis = runnable(DIAGNOSE, async ({ given, values }, io) => {
  const { model, data, adapterPath, learningRate, json } = values;
  const stop = new AbortController();
  const release = io.onInterrupt(() => stop.abort());
  try {
    const adapter = adapterPath === undefined ? undefined : await readAdapter(adapterPath, model, { evenBroken: true });
    const dataset = await readDataset(await openDatasetFiles(data, values.valid));
    const { session } = await openSession(io, { model, quantize: values.quantize, training: true }, stop.signal);
    const { learningRate: _, ...knobs } = givenKnobs(given);
    const shape = resolveConfig(knobs, "lorikeet diagnose");
    const usual = suitableRate({ ...shape, parameters: modelFacts(session.model).parameters });
    const rate = learningRate === "auto" ? usual : learningRate;
    const config: TrainConfig = { ...shape, learningRate: rate };
    const train = (await session.encode(dataset.train, config)).examples;
    const valid = dataset.valid ? (await session.encode(dataset.valid, config, { allowEmpty: true })).examples : [];
    const request = { config, train, valid, adapter, budget: machineBudget(), signal: stop.signal };
    const events = runDiagnosis(session, request);
    return await show(events, io, json === true);
  } finally {
    release();
  }
});

interface Shown {
  readonly phase: number;
  readonly title: string;
  readonly lines: readonly EvidenceLine[];
}

/** Prints as it goes, or everything at the end as JSON; the status is 0 for healthy alone. */
async function show(events: AsyncGenerator<DiagnoseEvent>, io: Io, json: boolean): Promise<number> {
  const width = Math.min(io.out.columns ?? 100, 100);
  const phases: Shown[] = [];
  let found: { diagnosis: Diagnosis; facts: DiagnosisFacts } | null = null;
  for await (const event of events) {
    if (event.type === "diagnosis") found = event;
    if (event.type === "phase-begin" && !json) io.out.write(`${event.phase}  ${event.title}\n`);
    if (event.type === "trial-update" && io.err.isTTY) {
      io.err.write(
        `\r   update ${event.update} of ${event.updates}\x1b[K${event.update === event.updates ? "\r\x1b[K" : ""}`,
      );
    }
    if (event.type === "phase-end") {
      const { phase, lines } = event;
      phases.push({ phase, title: PHASES[phase], lines });
      if (!json) io.out.write(`${lines.flatMap((line) => evidence(line, width)).join("\n")}\n\n`);
    }
  }
  const { diagnosis: verdict, facts } = found!;
  if (json) io.out.write(`${JSON.stringify({ ...verdict, phases, facts }, null, 2)}\n`);
  else {
    const { outcome, reasons, advice } = verdict;
    io.out.write(
      factLines(
        [
          ["outcome", outcome],
          ["because", ...reasons],
          ["what to do", advice],
        ],
        width,
      ),
    );
  }
  return verdict.outcome === "healthy" ? 0 : 1;
}

/** "   ✓ every number is finite", wrapped under itself. */
function evidence({ passed, text }: EvidenceLine, width: number): string[] {
  const sign = passed === null ? "·" : passed ? "✓" : "✗";
  return wrap(oneLine(text), width - 5).map((line, i) => `   ${i === 0 ? sign : " "} ${line}`);
}
