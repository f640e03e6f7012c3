/** The run in a handful of figures. */
import { formatBytes, formatCount, formatDuration } from "../core/units.ts";
import { isApplied, lossSpan, type SortedSteps } from "./course.ts";
import { html, type Part } from "./html.ts";
import type { ReportInput } from "./input.ts";
import type { Section } from "./layout.ts";
import { counted, measured } from "./words.ts";

interface Figure {
  readonly name: string;
  readonly value: Part;
  readonly note: string;
}

export function summaryPart(input: ReportInput, steps: SortedSteps): Section {
  const figures = [updates(input, steps), time(input), tokens(input), loss(steps), validation(input), adapter(input)];
  return {
    id: "summary",
    title: "In figures",
    body: html`<dl class="figures">${figures.map(
      ({
        name,
        value,
        note,
      }) => html`<div><dt>${name}</dt><dd><span class="value">${value}</span><span class="soft small">${note}</span></dd></div>
`,
    )}</dl>`,
  };
}

function updates({ start, done, health, steps }: ReportInput, { kept, undone }: SortedSteps): Figure {
  const before = start?.doneSteps ?? 0;
  const skipped = kept.filter((step) => !isApplied(step)).length;
  const back = undone.reduce((sum, { length }) => sum + length, 0);
  const rollbacks = done?.rollbacks ?? health.filter(({ rollback }) => rollback).length;
  const notes = [
    start && `of ${formatCount(start.totalSteps)} planned`,
    before > 0 && `${formatCount(before)} before this run went on`,
    rollbacks > 0 && `${counted(rollbacks, "rollback")} took back ${formatCount(back)}`,
    skipped > 0 && `${formatCount(skipped)} skipped`,
  ];
  return { name: "Updates", value: formatCount(steps.at(-1)?.step ?? before), note: joined(notes) };
}

function time({ steps, peakBytes }: ReportInput): Figure {
  if (steps.length === 0) return { name: "Training time", value: "none", note: "" };
  const seconds = steps.reduce((sum, step) => sum + (Number.isFinite(step.seconds) ? step.seconds : 0), 0);
  const rate = steps.reduce((sum, step) => sum + step.tokens, 0) / seconds;
  const notes = [
    Number.isFinite(rate) && `${measured(rate)} tokens a second`,
    peakBytes > 0 && `${formatBytes(peakBytes)} on the device at most`,
  ];
  return { name: "Training time", value: formatDuration(seconds), note: joined(notes) };
}

function tokens({ steps }: ReportInput): Figure {
  const all = steps.reduce((sum, step) => sum + step.tokens, 0);
  const supervised = steps.reduce((sum, step) => sum + step.supervisedTokens, 0);
  const note = all > 0 ? `${formatCount(supervised)} of them carry loss` : "";
  return { name: "Tokens seen", value: formatCount(all), note };
}

function loss({ kept }: SortedSteps): Figure {
  const span = lossSpan(kept);
  if (!span)
    return {
      name: "Training loss",
      value: "none",
      note: kept.length > 0 ? "no update had a finite loss" : "no update was made",
    };
  return { name: "Training loss", value: arrow(span.from, span.to), note: "first update → smoothed end" };
}

function validation({ validations, valid }: ReportInput): Figure {
  const name = "Validation loss";
  const [first] = validations;
  if (!first) return { name, value: "none", note: valid ? "not measured" : "no validation set" };
  const best = validations.filter(({ best }) => best).at(-1) ?? validations.at(-1)!;
  if (best === first) return { name, value: measured(first.loss), note: whenMeasured(first.step) };
  return {
    name,
    value: arrow(first.loss, best.loss),
    note: `${whenMeasured(first.step)} → lowest, ${whenMeasured(best.step)}`,
  };
}

const whenMeasured = (step: number): string => (step === 0 ? "base model" : `after update ${formatCount(step)}`);

const arrow = (from: number, to: number): Part => [measured(from), " → ", measured(to)];

function adapter({ start, audit, config, files }: ReportInput): Figure {
  const parameters = audit?.parameters ?? start?.parameters;
  if (parameters === undefined) return { name: "Adapter", value: "none", note: "" };
  const file = files.find(({ name, bytes }) => bytes !== null && name.endsWith("adapters.safetensors"));
  const notes = [
    `parameters in ${counted(audit?.layers ?? start?.layers ?? 0, "layer")}`,
    `${config.fineTuneType === "dora" ? "DoRA, " : ""}rank ${config.rank}, alpha ${config.alpha}`,
    file && formatBytes(file.bytes!),
  ];
  return { name: "Adapter", value: formatCount(parameters), note: joined(notes) };
}

const joined = (notes: readonly (string | false | null | undefined)[]): string => notes.filter(Boolean).join(" · ");
