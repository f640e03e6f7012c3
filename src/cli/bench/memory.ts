/** What training needs, by dry run alone: no GPU, no download. The README's table, and what the bytes of one update hold. */
import { formatBytes, formatCount } from "../../core/units.ts";
import { type ModelConfig, parseModelConfig } from "../../formats/model-config.ts";
import { findEntry } from "../../hub/catalogue.ts";
import { entryElement } from "../../train/catalogue-estimate.ts";
import { resolveConfig } from "../../train/config.ts";
import { type Estimate, type EstimateInput, estimateUpdate } from "../../train/estimate.ts";
import { type MemoryPart, memoryParts } from "../../train/memory-parts.ts";
import { formatTable } from "../format.ts";

/** Of the catalogue, which has their published configs. */
const MODELS = [
  "HuggingFaceTB/SmolLM2-135M-Instruct",
  "HuggingFaceTB/SmolLM2-360M-Instruct",
  "Qwen/Qwen2.5-0.5B-Instruct",
  "Qwen/Qwen2.5-1.5B-Instruct",
  "Qwen/Qwen2.5-3B-Instruct",
  "meta-llama/Llama-3.2-1B-Instruct",
  "meta-llama/Llama-3.2-3B-Instruct",
  "mlx-community/Qwen2.5-7B-Instruct-4bit",
] as const;
const LENGTHS = [512, 2048, 8192] as const;

/** The update whose parts are shown. */
const SHOWN = { model: "Qwen/Qwen2.5-0.5B-Instruct", tokens: 2048 } as const;

/** One record, every token but its first supervised; all else as the knobs are: rank 8 on all linears, with the guard. */
export const ASSUMED =
  "weights in bf16 or the codes that are named, one record a batch, every token supervised, rank 8 on all linears, the guard on";
const TRAIN = resolveConfig({}, "bench");

export interface MemoryRow {
  readonly model: string;
  readonly title: string;
  /** For each length, the peak bytes with no and with all blocks recomputed. */
  readonly needs: readonly { readonly tokens: number; readonly kept: number; readonly recomputed: number }[];
}

export interface Breakdown {
  readonly recomputed: number;
  readonly peakBytes: number;
  readonly parts: readonly MemoryPart[];
  readonly widest: Estimate["widest"];
  readonly lossBytes: number;
}

export interface MemoryResult {
  readonly assumed: string;
  readonly rows: readonly MemoryRow[];
  readonly shown: { readonly model: string; readonly tokens: number; readonly updates: readonly Breakdown[] };
}

export async function measureMemory(): Promise<MemoryResult> {
  const rows: MemoryRow[] = [];
  // One after the other: they are pure computation and share one thread.
  for (const model of MODELS) rows.push(await rowOf(model));
  const { model, tokens } = SHOWN;
  const updates: Breakdown[] = [];
  for (const recomputed of [0, blocksOf(model)]) {
    const { peakBytes, parts, widest, lossBytes } = await estimateUpdate(inputOf(model, tokens, recomputed));
    updates.push({ recomputed, peakBytes, parts: memoryParts(parts), widest, lossBytes });
  }
  return { assumed: ASSUMED, rows, shown: { ...SHOWN, updates } };
}

async function rowOf(model: string): Promise<MemoryRow> {
  const peak = async (tokens: number, recomputed: number) =>
    (await estimateUpdate(inputOf(model, tokens, recomputed))).peakBytes;
  const needs: MemoryRow["needs"][number][] = [];
  for (const tokens of LENGTHS) {
    needs.push({ tokens, kept: await peak(tokens, 0), recomputed: await peak(tokens, blocksOf(model)) });
  }
  return { model, title: findEntry(model)!.title, needs };
}

function inputOf(model: string, tokens: number, recomputed: number): EstimateInput {
  const element = entryElement(findEntry(model)!);
  return { config: configOf(model), element, train: TRAIN, lengths: [{ tokens, supervised: tokens - 1 }], recomputed };
}

const configOf = (model: string): ModelConfig => parseModelConfig(findEntry(model)!.config, model);
const blocksOf = (model: string): number => configOf(model).num_hidden_layers;

const HEADER = ["Model", ...LENGTHS.map((tokens) => `${formatCount(tokens)} tokens`)];
const cellsOf = ({ title, needs }: MemoryRow): string[] => [
  title,
  ...needs.map(({ kept, recomputed }) => `${formatBytes(kept)} · ${formatBytes(recomputed)}`),
];

/** The README's table, in markdown. */
export function memoryTable(rows: readonly MemoryRow[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(HEADER), `|${"---|".repeat(HEADER.length)}`, ...rows.map((row) => line(cellsOf(row)))].join("\n");
}

/** Tables for a terminal. */
export function showMemory({ assumed, rows, shown }: MemoryResult): string {
  const [kept, recomputed] = shown.updates as [Breakdown, Breakdown];
  const names = recomputed.parts.map(({ name }) => name);
  const cell = (update: Breakdown, name: string) =>
    formatBytes(update.parts.find((part) => part.name === name)?.bytes ?? 0);
  const parts = names.map((name, i) => [recomputed.parts[i]!.label, cell(kept, name), cell(recomputed, name)]);
  const totals = ["Together", formatBytes(kept.peakBytes), formatBytes(recomputed.peakBytes)];
  return [
    `One update, by dry run: ${assumed}.`,
    "All activations kept · all blocks recomputed",
    "",
    formatTable(rows.map(cellsOf), { header: HEADER, align: "<>>>" }),
    "",
    `${shown.model}, ${formatCount(shown.tokens)} tokens, when it needs the most`,
    formatTable([...parts, totals], { header: ["", "kept", "recomputed"], align: "<>>" }),
    "",
    ...shown.updates.map(widestWords),
    `Head and cross-entropy take ${formatBytes(kept.lossBytes)} while they are computed.`,
  ].join("\n");
}

const widestWords = ({ recomputed, widest }: Breakdown): string => {
  const named = widest.map(({ label, bytes }) => `${label} ${formatBytes(bytes)}`);
  return `Widest then, ${recomputed === 0 ? "kept" : "recomputed"}: ${named.join(", ")}.`;
};
