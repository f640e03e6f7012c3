/**
 * What every model of the catalogue would need here: the dry run of one update, with and without block checkpointing,
 * from the config that the catalogue holds. Nothing is fetched. Whether a need is met is the caller's judgement.
 */

import { LorikeetError } from "../core/errors.ts";
import { type ModelConfig, parseModelConfig } from "../formats/model-config.ts";
import type { DeviceLimits } from "../gpu/device.ts";
import { quantizedElement, type WeightElement } from "../gpu/weight-element.ts";
import { type CatalogueEntry, contextTokens, downloadBytes } from "../hub/catalogue/entry.ts";
import { accessSteps, CATALOGUE, modelPage } from "../hub/catalogue.ts";
import { supportedFamilies } from "../models/registry.ts";
import type { TrainConfig } from "./config.ts";
import { type Estimate, type EstimateInput, estimateUpdate } from "./estimate.ts";

type Lengths = EstimateInput["lengths"];

/** The bytes of one dry run, and the caller's judgement of its peak. */
export interface Need<Verdict = string> {
  readonly weightBytes: number;
  readonly adapterBytes: number;
  readonly peakBytes: number;
  readonly verdict: Verdict;
}

/** Plain data: it goes to the page as it is. */
export interface CatalogueRow<Verdict = string> {
  readonly entry: CatalogueEntry;
  readonly downloadBytes: number;
  /** Longest sequence in tokens. */
  readonly contextTokens: number;
  /** The model's page on the Hub. */
  readonly page: string;
  /** What to do before a gated model can be fetched; null for the others. */
  readonly access: string | null;
  /** Whether this build knows the family. */
  readonly supported: boolean;
  /** Why there are no figures; null when there are. */
  readonly reason: string | null;
  readonly plain: Need<Verdict> | null;
  readonly checkpointed: Need<Verdict> | null;
}

export interface DescribeOptions<Verdict> {
  readonly train: TrainConfig;
  /** Records of the largest micro-batch, in tokens; `typicalLengths(train)` as long as there is no data. */
  readonly lengths?: Lengths;
  /** The device's limits: a model that breaks them gets the reason instead of figures. */
  readonly limits?: DeviceLimits;
  /** "fits", "tight", "too large" or whatever the caller distinguishes. */
  readonly judge: (peakBytes: number) => Verdict;
  readonly catalogue?: readonly CatalogueEntry[];
}

const TYPICAL_TOKENS = 128;

/** One micro-batch of everyday conversations: 128 tokens a record, a quarter of them supervised. */
export function typicalLengths({ batchSize, maxSeqLength }: TrainConfig): Lengths {
  const tokens = Math.min(TYPICAL_TOKENS, maxSeqLength);
  return Array.from({ length: batchSize }, () => ({ tokens, supervised: Math.max(1, Math.floor(tokens / 4)) }));
}

/**
 * A row for every entry, in the catalogue's order. Dry runs are remembered, so a change of a knob that costs no
 * memory, or a second look, is free.
 */
export async function describeCatalogue<Verdict>(options: DescribeOptions<Verdict>): Promise<CatalogueRow<Verdict>[]> {
  const rows: CatalogueRow<Verdict>[] = [];
  // One after the other: they are pure computation and share one thread.
  for (const entry of options.catalogue ?? CATALOGUE) rows.push(await describeEntry(entry, options));
  return rows;
}

async function describeEntry<Verdict>(
  entry: CatalogueEntry,
  options: DescribeOptions<Verdict>,
): Promise<CatalogueRow<Verdict>> {
  const listed = {
    entry,
    downloadBytes: downloadBytes(entry),
    contextTokens: contextTokens(entry),
    page: modelPage(entry.id),
    access: entry.gated ? accessSteps(entry.id) : null,
  };
  const without = (supported: boolean, reason: string) => ({
    ...listed,
    supported,
    reason,
    plain: null,
    checkpointed: null,
  });
  const family = String(entry.config.model_type);
  if (!supportedFamilies().includes(family)) return without(false, `${family} is not supported yet`);
  const config = await orReason(() => parseModelConfig(entry.config, entry.id));
  if (typeof config === "string") return without(false, config);
  const needs = await orReason(() => measure(entry, config, options));
  if (typeof needs === "string") return without(true, needs);
  return { ...listed, supported: true, reason: null, ...needs };
}

/** What `work` gives, or the message of the refusal it ends in. A fault of the program itself is thrown on. */
async function orReason<T extends object>(work: () => T | Promise<T>): Promise<T | string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LorikeetError) return error.message;
    throw error;
  }
}

/** How the matrices of an entry lie on the device: as published, coded ones in their codes. */
export function entryElement({ dtype, coded }: Pick<CatalogueEntry, "dtype" | "coded">): WeightElement {
  return coded ? quantizedElement({ ...coded, scales: dtype }) : dtype;
}

async function measure<Verdict>(
  entry: CatalogueEntry,
  config: ModelConfig,
  { train, lengths = typicalLengths(train), limits, judge }: DescribeOptions<Verdict>,
): Promise<{ plain: Need<Verdict>; checkpointed: Need<Verdict> }> {
  const input = {
    config,
    element: entryElement(entry),
    train,
    lengths: cut(lengths, config),
    ...(limits && { limits }),
  };
  const need = async (recomputed: number): Promise<Need<Verdict>> => {
    const { weightBytes, adapterBytes, peakBytes } = await remembered({ ...input, recomputed });
    return { weightBytes, adapterBytes, peakBytes, verdict: judge(peakBytes) };
  };
  return { plain: await need(0), checkpointed: await need(config.num_hidden_layers) };
}

/** Records are cut to the model's context, as when they are encoded. */
function cut(lengths: Lengths, { max_position_embeddings }: ModelConfig): Lengths {
  return lengths.map(({ tokens, supervised }) => {
    const kept = Math.min(tokens, max_position_embeddings);
    return { tokens: kept, supervised: Math.min(supervised, kept) };
  });
}

/** Knobs that change what one update allocates; the others cost time at most. */
export const KNOBS_OF_MEMORY = [
  ...(["guard", "fineTuneType", "rank", "rankPattern", "alphaPattern", "dropout", "targetModules"] as const),
  "numLayers",
] as const;

const runs = new Map<string, Promise<Estimate>>();
/** A few sweeps over the catalogue; an estimate is small, this only bounds a session of days. */
const REMEMBERED = 512;

function remembered(input: EstimateInput): Promise<Estimate> {
  const { train, ...rest } = input;
  const key = JSON.stringify([rest, KNOBS_OF_MEMORY.map((name) => train[name])]);
  const known = runs.get(key);
  if (known) return known;
  const run = estimateUpdate(input);
  // A failure is not kept: the next call may come with a knob put right.
  run.catch(() => runs.delete(key));
  if (runs.size >= REMEMBERED) runs.delete(runs.keys().next().value!);
  runs.set(key, run);
  return run;
}
