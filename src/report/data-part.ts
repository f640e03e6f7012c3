/** What the run was made from and on: its data, the device, versions, and the files it left. */
import { formatBytes, formatCount } from "../core/units.ts";
import type { NamedReport } from "../train/run-record.ts";
import { html, type Part } from "./html.ts";
import type { ReportInput } from "./input.ts";
import { facts, nothing, type Section, table } from "./layout.ts";
import { counted, lineList } from "./words.ts";

const MOST_FILES = 60;

export function dataPart({ train, valid }: ReportInput): Section {
  const sets = valid ? [train, valid] : [train];
  const row = (name: string, cell: (set: NamedReport) => Part): Part[] => [name, ...sets.map(cell)];
  const reasons = [
    ...new Set(sets.flatMap(({ report }) => Object.keys(report.dropped))),
  ] as (keyof NamedReport["report"]["dropped"])[];
  const rows = [
    row("File", ({ name }) => html`<span dir="auto">${name}</span>`),
    row("Records used", ({ report }) => `${formatCount(report.kept)} of ${formatCount(report.records)}`),
    row("Tokens", ({ report }) => formatCount(report.tokens)),
    row(
      "Tokens with loss",
      ({ report }) => `${formatCount(report.supervised)}${share(report.supervised, report.tokens)}`,
    ),
    row(
      "Length in tokens",
      ({ report: { length } }) =>
        `${formatCount(length.min)} to ${formatCount(length.max)}, median ${formatCount(length.median)}`,
    ),
    row("Cut to the longest length", ({ report }) => linesText(report.truncated)),
    ...reasons.map((reason) => row(`Left out: ${reason}`, ({ report }) => linesText(report.dropped[reason] ?? []))),
    row("Forms", ({ report }) =>
      Object.entries(report.forms)
        .map(([form, count]) => `${form} ${formatCount(count)}`)
        .join(", "),
    ),
  ];
  const columns = ["", "Training", ...(valid ? ["Validation"] : [])];
  return {
    id: "data",
    title: "Data",
    body: html`${table({ caption: "The data", columns: ["What", ...columns.slice(1)], rows })}${!valid && nothing("There was no validation set: nothing shows how the adapter does on text it was not trained on.")}`,
  };
}

const share = (part: number, whole: number): string => (whole > 0 ? ` (${Math.round((100 * part) / whole)} %)` : "");

const linesText = (lines: readonly number[]): string =>
  lines.length === 0
    ? "none"
    : `${formatCount(lines.length)}: ${lines.length === 1 ? "line" : "lines"} ${lineList(lines)}`;

export function placePart({ device, versions, model, peakBytes, files }: ReportInput): Section {
  const known = Object.entries(versions).map(([name, version]): [string, Part] => [name, version]);
  return {
    id: "place",
    title: "Model, device, versions, files",
    body: html`${facts([
      ["Model", html`<span dir="auto">${model.name}</span>`],
      ["Family", `${model.family}, ${counted(model.blocks, "block")}`],
      ["Size", `${formatCount(model.parameters)} parameters in ${model.element}, ${formatBytes(model.bytes)}`],
      ["Device", device.name],
      ["Chosen by", device.source],
      ["Forms of its kernels", device.forms?.join(", ") || null],
      ["Most memory on the device", peakBytes > 0 ? formatBytes(peakBytes) : null],
      ...known,
    ])}
${
  files.length > 0
    ? table({
        caption: "Files of the run",
        columns: ["File", "Size", "What for"],
        rows: files
          .slice(0, MOST_FILES)
          .map(({ name, bytes, about }) => [
            html`<span dir="auto">${name}</span>`,
            bytes === null ? "" : formatBytes(bytes),
            about,
          ]),
      })
    : nothing("No file was written.")
}`,
  };
}
