/** Adapters as a command line names several: each a place, perhaps with a weight behind a colon. */
import { stat } from "node:fs/promises";
import type { WeightedAdapter } from "../../lora/combine.ts";
import { readAdapter } from "./adapter-place.ts";

const WEIGHTED = /^(.+):([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)$/i;

/** "adapters:0.5" → that place and 0.5; a place that is there under its whole name has weight 1. */
export async function splitWeight(text: string): Promise<{ readonly place: string; readonly weight: number }> {
  const [, place, weight] = WEIGHTED.exec(text) ?? [];
  if (place === undefined || (await stat(text).catch(() => null))) return { place: text, weight: 1 };
  return { place, weight: Number(weight) };
}

/** Reads each for `model`, as `--model` names one. */
export async function readWeighted(texts: readonly string[], model: string | undefined): Promise<WeightedAdapter[]> {
  const parts: WeightedAdapter[] = [];
  for (const text of texts) {
    const { place, weight } = await splitWeight(text);
    parts.push({ name: place, adapter: await readAdapter(place, model), weight });
  }
  return parts;
}
