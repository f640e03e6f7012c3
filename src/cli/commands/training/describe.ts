/** The lines before a run: device, model, adapter, data, plan. Labels on the left, facts on the right. */

import { formatBytes, formatCount, formatSetting } from "../../../core/units.ts";
import type { TrainConfig } from "../../../train/config.ts";
import type { StartEvent } from "../../../train/events.ts";
import { modelFacts } from "../../../train/facts.ts";
import { displayWidth, wrap } from "../../format.ts";
import { keptLine, leftOut } from "./data-lines.ts";
import type { NamedDataset, PreparedRun } from "./prepare.ts";

/** A label and its lines; the label stands only before the first. */
export type Fact = readonly [label: string, ...lines: string[]];

const COLUMN = 12;

/** Facts as aligned text, wrapped to `width`. */
export function factLines(facts: readonly Fact[], width: number): string {
  const lines = facts.flatMap(([label, ...texts]) => {
    const wrapped = texts.flatMap((text) =>
      displayWidth(text) <= width - COLUMN ? [text] : wrap(text, width - COLUMN),
    );
    return wrapped.map((text, i) => (i === 0 ? label : "").padEnd(COLUMN) + text);
  });
  return lines.map((line) => `${line}\n`).join("");
}

/** What is known once model and data are read. */
export function inputFacts({ session, name, train, valid, request }: PreparedRun): Fact[] {
  const { family, parameters, element, bytes } = modelFacts(session.model);
  const model = `${name}: ${family}, ${formatCount(parameters)} parameters in ${element}, ${formatBytes(bytes)}`;
  return [
    ["device", session.device.name],
    ["model", model],
    ["training", ...dataLines(train, request.config)],
    valid
      ? ["validation", ...dataLines(valid, request.config)]
      : ["validation", "none; with --valid FILE the best adapter is kept instead of the last"],
    ...request.notes.map((note): Fact => ["note", note]),
  ];
}

const dataLines = ({ name, report }: NamedDataset, { maxSeqLength }: TrainConfig) => [
  name,
  keptLine(report),
  ...leftOut(report, maxSeqLength),
];

/** What is known when the run begins; the memory is among the findings of the pre-flight. */
export function planFacts(run: PreparedRun, start: StartEvent): Fact[] {
  const { config } = run.request;
  const share = (100 * start.parameters) / modelFacts(run.session.model).parameters;
  return [
    [
      "adapter",
      `${config.fineTuneType === "dora" ? "DoRA, " : ""}rank ${config.rank}, alpha ${formatSetting(config.alpha)}: ${formatCount(start.layers)} layers, ` +
        `${formatCount(start.tensors)} tensors, ${formatCount(start.parameters)} trainable parameters ` +
        `(${formatPercent(share)} of the model's)`,
    ],
    ["plan", ...planLines(config, start)],
  ];
}

/** Three digits, but whole percents stay short: 0.0123 %, 1.53 %, 12.3 %. */
const formatPercent = (share: number) => `${Number(share.toPrecision(3))} %`;

function planLines(config: TrainConfig, { totalSteps, doneSteps, updatesPerEpoch, warmup }: StartEvent): string[] {
  const { batchSize, gradAccumulationSteps, lrSchedule, learningRate } = config;
  const which = doneSteps > 0 ? `updates ${doneSteps + 1} to ${totalSteps}` : `${formatCount(totalSteps)} updates`;
  const epochs = Number((totalSteps / updatesPerEpoch).toFixed(2));
  const batch = gradAccumulationSteps > 1 ? `${gradAccumulationSteps} × ${batchSize}` : `${batchSize}`;
  const shape = lrSchedule === "constant" ? "constant" : `${lrSchedule} to 0`;
  return [
    `${which} of ${batch} records, ${epochs} ${epochs === 1 ? "epoch" : "epochs"}; ` +
      `rate ${formatSetting(learningRate)}, ${shape}${warmup > 0 ? ` after ${warmup} updates of warm-up` : ""}`,
  ];
}
