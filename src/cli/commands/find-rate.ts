/** `lorikeet find-rate`: tries many learning rates in one short sweep, and says which one to train at. Writes nothing. */
import { configError } from "../../core/errors.ts";
import { formatNumber, formatSetting } from "../../core/units.ts";
import { readDataset } from "../../data/dataset.ts";
import type { RateSuggestion } from "../../health/rate-finder.ts";
import { flagOf, resolveConfig, type TrainConfig } from "../../train/config.ts";
import {
  findRate,
  MAX_SWEEP,
  type SweepEndEvent,
  type SweepPointEvent,
  type SweepStartEvent,
} from "../../train/rate-finder.ts";
import { givenKnobs } from "../args.ts";
import { INTERRUPTED, type Io } from "../io.ts";
import { openDatasetFiles } from "../node/dataset-files.ts";
import { machineBudget } from "../node/memory.ts";
import { type Point, plotSeries } from "../plot.ts";
import { commandLine } from "../shell.ts";
import { DATA, JSON_OUTPUT, MODEL, QUANTIZE, UPDATE_KNOBS, VALID } from "./flags.ts";
import { openSession } from "./open-session.ts";
import { runnable } from "./runnable.ts";
import { factLines } from "./training/describe.ts";

const FIND_RATE = {
  name: "find-rate",
  summary: "Tries learning rates in one short sweep and suggests one; writes nothing.",
  flags: [
    MODEL,
    QUANTIZE,
    { ...DATA, unit: "FILE.jsonl|DIR" },
    VALID,
    {
      name: "from",
      group: "Sweep",
      kind: "number",
      above: 0,
      below: 1,
      meaning: "Lowest rate; by default a fiftieth of what suits the model's size and the adapter's scale.",
    },
    {
      name: "to",
      group: "Sweep",
      kind: "number",
      above: 0,
      below: 1,
      meaning: "Highest rate, by default fifty times that; the sweep ends sooner where the loss blows up.",
    },
    {
      name: "updates",
      group: "Sweep",
      kind: "integer",
      min: 10,
      max: MAX_SWEEP,
      default: MAX_SWEEP,
      meaning: "Updates of the sweep, one for each rate.",
    },
    ...UPDATE_KNOBS,
    JSON_OUTPUT,
  ],
} as const;

interface Sweep {
  readonly start: SweepStartEvent;
  readonly points: readonly SweepPointEvent[];
  readonly end: SweepEndEvent;
}

export const findRateCommand = runnable(FIND_RATE, async ({ given, values }, io) => {
  const { model, data, from, to, updates, json } = values;
  if (from !== undefined && to !== undefined && from >= to) {
    throw configError(`lorikeet find-rate: expected --from below --to, got ${from} and ${to}`);
  }
  const knobs = givenKnobs(given);
  const config = resolveConfig(knobs, "lorikeet find-rate");
  const stop = new AbortController();
  const release = io.onInterrupt(() => stop.abort());
  try {
    const dataset = await readDataset(await openDatasetFiles(data, values.valid));
    const { session } = await openSession(io, { model, quantize: values.quantize, training: true }, stop.signal);
    const train = (await session.encode(dataset.train, config)).examples;
    const valid = dataset.valid ? (await session.encode(dataset.valid, config, { allowEmpty: true })).examples : [];
    const request = { config, train, valid, from, to, updates, budget: machineBudget(), signal: stop.signal };
    const sweep = await watch(findRate(session, request), io);
    const command = trainCommand({ model, data, valid: values.valid }, knobs, sweep.end.suggestion.rate);
    io.out.write(json ? asJson(sweep, command) : asText(sweep, command, io.out.columns ?? 100));
    if (sweep.end.stopped) return INTERRUPTED;
    return sweep.end.suggestion.rate === null ? 1 : 0;
  } finally {
    release();
  }
});

/** Collects the events; on a terminal a line shows how far it is. */
async function watch(events: ReturnType<typeof findRate>, { err }: Io): Promise<Sweep> {
  const points: SweepPointEvent[] = [];
  let start: SweepStartEvent | null = null;
  let end: SweepEndEvent | null = null;
  for await (const event of events) {
    if (event.type === "sweep-start") {
      start = event;
      err.write(`sweeping ${event.updates} rates from ${shown(event.from)} to ${shown(event.to)}\n`);
    } else if (event.type === "sweep-end") end = event;
    else {
      points.push(event);
      const { update, rate, loss } = event;
      const line = `update ${update} of at most ${start!.updates}  rate ${shown(rate)}  loss ${formatNumber(loss)}`;
      if (err.isTTY) err.write(`\r${line}\x1b[K`);
    }
  }
  if (err.isTTY) err.write("\r\x1b[K");
  return { start: start!, points, end: end! };
}

function asText({ start, points, end }: Sweep, command: string | null, width: number): string {
  const { suggestion, updates, stopped } = end;
  const { examples, tokens } = start.measured;
  const facts = factLines(
    [
      [
        "sweep",
        `${updates} updates, rates ${shown(start.from)} to ${shown(points.at(-1)?.rate ?? start.from)}${ending(end)}`,
      ],
      [
        "measured",
        `on ${examples} examples (${tokens} tokens with loss) after each; before the first ${formatNumber(start.startLoss)}`,
      ],
      ["suggestion", suggestion.rate === null ? "none" : formatSetting(suggestion.rate), suggestion.reason],
    ],
    width,
  );
  const tail = command === null ? "" : `\n${factLines([["train", command]], Number.POSITIVE_INFINITY)}`;
  const stop = stopped ? "stopped before the end of the sweep\n" : "";
  return `${plot(start, points, suggestion, width)}\n\n${facts}${tail}${stop}`;
}

const ending = ({ suggestion: { divergedAt } }: SweepEndEvent) =>
  divergedAt === null ? "" : `, where the loss blew up`;

/** The curve, cut off above the loss at the start: what blew up would flatten all that matters. */
function plot(
  start: SweepStartEvent,
  points: readonly SweepPointEvent[],
  found: RateSuggestion,
  width: number,
): string {
  const lowest = Math.min(start.startLoss, ...points.flatMap(({ loss }) => (Number.isFinite(loss) ? [loss] : [])));
  const ceiling = start.startLoss + 0.5 * (start.startLoss - lowest);
  const curve = points.map(({ rate, loss }): Point => ({ x: rate, y: loss <= ceiling ? loss : Number.NaN }));
  return plotSeries(curve, {
    ...{ width: Math.min(width, 72), height: 14, logX: true, xLabel: "learning rate" },
    title: found.rate === null ? "loss" : "loss (◆ at the suggested rate)",
    marks: found.rate === null ? [] : [{ x: found.rate, y: at(curve, found.rate) }],
  });
}

/** The curve's value at the point nearest to `rate`. */
function at(curve: readonly Point[], rate: number): number {
  const away = ({ x }: Point) => Math.abs(Math.log(x / rate));
  return curve.reduce((near, point) => (away(point) < away(near) ? point : near)).y;
}

interface Paths {
  readonly model: string;
  readonly data: string;
  readonly valid: string | undefined;
}

/** With the flags this sweep had, since the suggestion holds for these. */
function trainCommand({ model, data, valid }: Paths, knobs: Partial<TrainConfig>, rate: number | null): string | null {
  if (rate === null) return null;
  const flags = Object.entries(knobs).flatMap(([name, value]) => {
    if (typeof value === "boolean") return [`--${value ? "" : "no-"}${flagOf(name)}`];
    return [`--${flagOf(name)}`, String(value)];
  });
  const files = ["--model", model, "--data", data, ...(valid === undefined ? [] : ["--valid", valid])];
  return commandLine([
    "train",
    ...files,
    "--adapter-path",
    "runs/mine",
    "--learning-rate",
    formatSetting(rate),
    ...flags,
  ]);
}

const shown = (rate: number): string => formatSetting(Number(rate.toPrecision(3)));

function asJson({ start, points, end }: Sweep, command: string | null): string {
  const { from, to, startLoss, measured } = start;
  const losses = points.map(({ type, ...point }) => point);
  const { suggestion, stopped } = end;
  return `${JSON.stringify({ ...suggestion, command, from, to, stopped, startLoss, measured, points: losses }, null, 2)}\n`;
}
