/** The comparison as tables for a terminal, ratios first. */
import { formatBytes, formatDuration, formatNumber } from "../../../core/units.ts";
import { formatTable } from "../../format.ts";
import type { DecodingComparison, DecodingSide } from "./compare-decoding.ts";
import type { MlxComparison } from "./compare-mlx.ts";
import type { StepComparison, StepSide } from "./compare-step.ts";
import type { PeersResult } from "./run.ts";
import type { ProductSummary, RatedCase } from "./summary.ts";

export function showPeers({ device, libraries, problems, products, step, decoding, mlx }: PeersResult): string {
  const parts = [[`Adapter: ${device}`, ...libraries.map(({ name, version }) => `Compared with ${name} ${version}`)]];
  if (products) parts.push(productLines(products));
  if (step) parts.push(stepLines(step));
  if (decoding) parts.push(decodingLines(decoding));
  if (mlx) parts.push(mlxLines(mlx));
  if (problems.length > 0)
    parts.push(problems.map(({ peer, message, hint }) => `${peer}: ${message}${hint ? ` (${hint})` : ""}`));
  return parts.map((lines) => lines.join("\n")).join("\n\n");
}

function productLines({ cases, geometricMean, lowest, overForward }: ProductSummary): string[] {
  const names = Object.keys(Object.assign({}, ...cases.map(({ theirs }) => theirs)));
  const rows = cases.map((one) => [
    one.ratio === null ? "–" : one.ratio.toFixed(2),
    sizeWords(one),
    one.layout,
    gigaflops(one, one.ours),
    ...names.map((name) => {
      const time = one.theirs[name];
      return !time ? "–" : "seconds" in time ? gigaflops(one, time.seconds) : "wrong";
    }),
    one.overForward.toFixed(2),
  ]);
  const header = ["ours/best", "tokens × in × out", "layout", "ours, GFLOP/s", ...names, "over NT"];
  const lines = [
    "Matrix products in f32 (NT forward, NN gradient of the input, TN gradient of a factor)",
    formatTable(rows, { header, align: `><<>${">".repeat(names.length)}>` }),
    "",
  ];
  if (geometricMean !== null && lowest) {
    lines.push(
      `Geometric mean over the fastest other: ${geometricMean.toFixed(2)}`,
      `Lowest: ${lowest.ratio!.toFixed(2)} at ${caseWords(lowest)}, where ${lowest.fastest} is fastest`,
    );
  }
  for (const [layout, own] of Object.entries(overForward)) {
    const { lowest: low } = own;
    const mean = `${own.geometricMean.toFixed(2)} in the geometric mean`;
    lines.push(`${layout} over NT: ${mean}, lowest ${low.overForward.toFixed(2)} at ${sizeWords(low)}`);
  }
  for (const one of cases) {
    for (const [name, time] of Object.entries(one.theirs)) {
      if ("problem" in time) lines.push(`${name}, ${caseWords(one)}: not timed, ${time.problem}`);
    }
  }
  return lines;
}

const sizeWords = ({ tokens, in: columns, out }: RatedCase) => `${tokens} × ${columns} × ${out}`;
const caseWords = (one: RatedCase) => `${sizeWords(one)} ${one.layout}`;
const gigaflops = ({ tokens, in: columns, out }: RatedCase, seconds: number) =>
  ((2 * tokens * columns * out) / seconds / 1e9).toFixed(2);

function stepLines({ ours, theirs, apart, ratio }: StepComparison): string[] {
  const row = (name: string, text: (side: StepSide) => string) => [name, text(ours), text(theirs)];
  const first =
    ratio === null
      ? `No ratio: losses differ by ${formatNumber(apart)}, so these are not the same step.`
      : `${ratio.toFixed(2)} times the tokens/s of jax-js; losses equal within ${formatNumber(apart, 2)}`;
  const rows = [
    ...(ratio === null ? [] : [row("tokens/s", (side) => formatNumber(side.tokensPerSecond))]),
    row("dispatches", ({ dispatches }) => String(dispatches)),
    row("submits", ({ submits }) => String(submits)),
    row("peak memory", ({ peakBytes }) => formatBytes(peakBytes)),
    row("first step", ({ coldSeconds }) => formatDuration(coldSeconds)),
    row("loss, first and last", ({ losses }) => `${losses[0]!.toFixed(4)} → ${losses.at(-1)!.toFixed(4)}`),
  ];
  const title = "Training step: llama, 4 layers, hidden 256, 4 × 128 tokens, rank 8 on all linears";
  return [title, first, formatTable(rows, { header: ["", "ours", "jax-js"], align: "<>>" })];
}

function decodingLines({ ours, theirs, apart, apartWithSubgroups, differsAt, ratio }: DecodingComparison): string[] {
  const row = (name: string, text: (side: DecodingSide) => string) => [name, text(ours), text(theirs)];
  const difference =
    differsAt === null ? `logits are ${apart.toExponential(1)} apart` : `token ${differsAt + 1} of the answer differs`;
  const first =
    ratio === null
      ? `No ratio: ${difference}, so one of the two computes something else.`
      : `${ratio.toFixed(2)} times the tokens/s of transformers.js; the same tokens, logits equal within ${apart.toExponential(1)}`;
  const without =
    apartWithSubgroups === null
      ? []
      : [`transformers.js without subgroups: with them its logits are ${apartWithSubgroups.toExponential(1)} apart`];
  const rows = [
    ...(ratio === null ? [] : [row("tokens/s", (side) => formatNumber(side.tokensPerSecond))]),
    row("dispatches per token", ({ dispatchesPerToken }) => tenths(dispatchesPerToken)),
    row("submits per token", ({ submitsPerToken }) => tenths(submitsPerToken)),
  ];
  const title = "Decoding: llama, 4 layers, hidden 256, in f32, greedy after 64 tokens";
  return [title, first, ...without, formatTable(rows, { header: ["", "ours", "transformers.js"], align: "<>>" })];
}

const tenths = (value: number) => String(Number(value.toFixed(1)));

function mlxLines({ ours, theirs, ratio }: MlxComparison): string[] {
  const row = (name: string, text: (side: MlxComparison["ours"]) => string) => [name, text(ours), text(theirs)];
  const rows = [
    row("tokens/s", (side) => formatNumber(side.tokensPerSecond)),
    row("updates/s", (side) => formatNumber(side.iterationsPerSecond)),
    row("loss, first and last", ({ losses }) => `${losses[0]!.toFixed(3)} → ${losses.at(-1)!.toFixed(3)}`),
    ["peak memory", "–", Number.isNaN(theirs.peakGigabytes) ? "–" : formatBytes(1e9 * theirs.peakGigabytes)],
  ];
  return [
    "Fine-tuning: rank 8 on all linears, 8 records an update, every token with loss",
    `${ratio.toFixed(2)} times the tokens/s of mlx-lm`,
    formatTable(rows, { header: ["", "ours", "mlx-lm"], align: "<>>" }),
  ];
}
