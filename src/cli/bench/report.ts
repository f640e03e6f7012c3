/** Runs the benchmarks and puts ratios first: rates of a software adapter say nothing about a GPU, ratios do. */

import { formatBytes, formatDuration, formatNumber } from "../../core/units.ts";
import type { WebGpuDevice } from "../../gpu/webgpu.ts";
import { formatTable } from "../format.ts";
import { benchDecoding, type DecodingResult } from "./decoding.ts";
import { benchFirstLoss, type FirstLoss } from "./first-loss.ts";
import { benchGemm, GEMM_SIZES, type GemmResult } from "./gemm.ts";
import { benchHealthCost, type HealthCost } from "./health-cost.ts";
import { measureBandwidth, measurePeak } from "./measure.ts";
import { benchTrainingStep, type StepResult } from "./training-step.ts";

export interface BenchResult {
  readonly device: string;
  /** FLOP/s of fused multiply-adds in registers. */
  readonly peak: number;
  /** Bytes/s of a copy, read and written together. */
  readonly bandwidth: number;
  readonly decoding: DecodingResult;
  readonly gemm: readonly GemmResult[];
  readonly step: StepResult;
  readonly health: HealthCost;
  readonly firstLoss: FirstLoss;
}

export interface BenchOptions {
  readonly repeats: number;
  readonly steps: number;
  /** Told what is being measured. */
  onProgress(what: string): void;
}

export async function runBench(
  device: WebGpuDevice,
  { repeats, steps, onProgress }: BenchOptions,
): Promise<BenchResult> {
  // The step first: its peak of memory is then its own.
  onProgress("training step");
  const step = await benchTrainingStep(device, steps);
  onProgress("peak of the adapter");
  const peak = await measurePeak(device);
  const bandwidth = await measureBandwidth(device);
  onProgress("an answer, token by token");
  const decoding = await benchDecoding(device, DECODED);
  const gemm: GemmResult[] = [];
  for (const size of GEMM_SIZES) {
    onProgress(`products ${size.tokens} × ${size.in} × ${size.out}`);
    gemm.push(...(await benchGemm(device, size, repeats)));
  }
  onProgress("training with and without the guard");
  const health = await benchHealthCost(device, repeats);
  onProgress("first loss of the demo");
  const firstLoss = await benchFirstLoss(device);
  return { device: device.name, peak, bandwidth, decoding, gemm, step, health, firstLoss };
}

/** Tables for a terminal. */
export function showBench({ device, peak, bandwidth, decoding, gemm, step, health, firstLoss }: BenchResult): string {
  const forward = (r: GemmResult) => gemm.find((g) => g.layout === "NT" && g.in === r.in && g.out === r.out)!.rate;
  const plain = (r: GemmResult) => gemm.find((g) => g.layout === "NN" && g.in === r.in && g.out === r.out)!.rate;
  const rows = gemm.map((result) => [
    `${result.tokens} × ${result.in} × ${result.out}`,
    result.layout,
    (result.rate / 1e9).toFixed(2),
    `${((100 * result.rate) / peak).toFixed(1)} %`,
    (result.rate / plain(result)).toFixed(2),
    (result.rate / forward(result)).toFixed(2),
  ]);
  const header = ["tokens × in × out", "layout", "GFLOP/s", "of peak", "over NN", "over forward"];
  return [
    `Adapter: ${device}`,
    `Peak measured in registers: ${(peak / 1e9).toFixed(1)} GFLOP/s; of a copy: ${(bandwidth / 1e9).toFixed(1)} GB/s`,
    "",
    "Matrix products (NT forward, NN gradient of the input, TN gradient of a factor)",
    formatTable(rows, { header, align: "<<>>>>" }),
    "",
    "Training step: llama, 4 layers, hidden 256, 4 × 128 tokens, rank 8 on all linears",
    formatTable([
      ["tokens/s", formatNumber(step.tokensPerSecond)],
      ["dispatches", String(step.dispatches)],
      ["submits", formatNumber(step.submits)],
      ["peak memory", formatBytes(step.peakBytes)],
      ["GFLOP per step", formatNumber(step.flops / 1e9)],
      ["of peak", `${((100 * step.flops) / step.secondsPerStep / peak).toFixed(1)} %`],
      ["GPU time", shareWords(step.shares)],
      ["loss, first and last", `${step.losses[0]!.toFixed(4)} → ${step.losses.at(-1)!.toFixed(4)}`],
      ["with the guard", `${health.ratio.toFixed(3)} times the time without`],
      ["checksum of the base", `${(health.checksumSeconds / health.plainSeconds).toFixed(3)} of a step, twice a run`],
    ]),
    "",
    decodingLine(decoding, bandwidth),
    `Demo: first loss (${formatNumber(firstLoss.loss)}) ${formatDuration(firstLoss.seconds)} after the start of its trial run`,
  ].join("\n");
}

const decodingLine = ({ tokensPerSecond, bytesPerToken }: DecodingResult, bandwidth: number): string =>
  `Answers of the same model: ${formatNumber(tokensPerSecond)} tokens/s, ` +
  `${((100 * tokensPerSecond * bytesPerToken) / bandwidth).toFixed(1)} % of the copy's rate (${formatBytes(bytesPerToken)} read for each)`;

/** Tokens of the answer that is timed. */
const DECODED = 48;
const SHOWN = 6;

/** "matmul.nt 26 %, attention.dkv 19 %, …" */
function shareWords(shares: StepResult["shares"]): string {
  if (shares.length === 0) return "not known: this device has no timestamps";
  return shares
    .slice(0, SHOWN)
    .map(([kernel, share]) => `${kernel} ${(100 * share).toFixed(0)} %`)
    .join(", ");
}
