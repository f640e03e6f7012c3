/**
 * The page's catalogue of good small models, and what can be said about any model by its name alone. Everything here is
 * known without a network; where each figure is from stands at the head of its family's file in `catalogue/`.
 */

import { formatBytes } from "../core/units.ts";
import type { CatalogueEntry } from "./catalogue/entry.ts";
import { GEMMA_3 } from "./catalogue/gemma-3.ts";
import { LLAMA_3_2 } from "./catalogue/llama-3-2.ts";
import { QWEN2_5, QWEN3 } from "./catalogue/qwen.ts";
import { SMOLLM2, TINYLLAMA } from "./catalogue/smollm2.ts";

/** Smallest first. */
export const CATALOGUE: readonly CatalogueEntry[] = [
  ...SMOLLM2,
  ...TINYLLAMA,
  ...QWEN2_5,
  ...QWEN3,
  ...LLAMA_3_2,
  ...GEMMA_3,
].sort((a, b) => a.parameters - b.parameters);

/** The entry of this id, whose case does not matter on the Hub either; undefined for a model that is not listed. */
export function findEntry(id: string): CatalogueEntry | undefined {
  return CATALOGUE.find((entry) => entry.id.toLowerCase() === id.toLowerCase());
}

/** The model's page on the Hub. */
export const modelPage = (id: string): string => `https://huggingface.co/${id}`;

/** What to do before a gated model can be fetched. */
export const accessSteps = (id: string): string =>
  `Accept the terms on the model's page (${modelPage(id)}), then paste a read token of the same account here.`;

export interface ModelNote {
  readonly id: string;
  readonly page: string;
  readonly entry: CatalogueEntry | null;
  /** true and false are known; null for a model that is not listed. */
  readonly gated: boolean | null;
  /** Sentences for the person, most important first. */
  readonly notes: readonly string[];
}

/**
 * What is known of a model before anything is fetched: of a listed one its licence and how to get it, of any other what
 * its name suggests.
 * @param id "org/name", as `parseHubId` returns it
 */
export function modelNote(id: string): ModelNote {
  const entry = findEntry(id) ?? null;
  const notes = entry ? listedNotes(entry) : guessedNotes(id);
  return { id, page: modelPage(id), entry, gated: entry?.gated ?? null, notes };
}

function listedNotes({ id, licence, gated }: CatalogueEntry): string[] {
  const terms = licence.restriction === null ? [] : [licence.restriction];
  return [...(gated ? [accessSteps(id)] : []), `Licence: ${licence.name}.`, ...terms];
}

/** Owners whose models are gated as a rule. */
const GATED = /^(meta-llama|mistralai|coherelabs)\/|^google\/.*gemma/i;
/** How names say that the weights are quantised, or in a format of one program. */
const QUANTISED =
  /(^|[-_./])(gguf|ggml|awq|gptq|exl[23]|bnb|fp8|nf4|int[48]|w[48]a(8|16)|q[2-8](_\w+)?|[2-8]-?bits?)($|[-_.])/i;
/** "7B", "0.5B", "135M", as a word of its own in the name. */
const SIZE = /(?:^|[-_])(\d+(?:\.\d+)?)([BM])(?=$|[-_.])/i;

function guessedNotes(id: string): string[] {
  const notes: string[] = [];
  if (QUANTISED.test(id)) {
    notes.push("Its name suggests quantised weights, which cannot be trained here; choose the original model.");
  }
  if (GATED.test(id)) notes.push(`Its owner usually asks for consent. ${accessSteps(id)}`);
  const [, amount, unit] = SIZE.exec(id.slice(id.indexOf("/") + 1)) ?? [];
  if (amount !== undefined && unit !== undefined) {
    const parameters = Number(amount) * (unit.toUpperCase() === "B" ? 1e9 : 1e6);
    const words = `${amount} ${unit.toUpperCase() === "B" ? "billion" : "million"} parameters`;
    notes.push(`Its name suggests about ${words}, ${formatBytes(2 * parameters)} when stored in 16 bits.`);
  }
  notes.push("Not in the list: whether it can be trained here shows once its config.json, a few kilobytes, is read.");
  return notes;
}
