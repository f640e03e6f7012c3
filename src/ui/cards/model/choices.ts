/** What can be chosen in the Model card, and how each choice reads. Pure. */

import { formatBytes, formatCount } from "../../../core/units.ts";
import { MEMORY_CHOICES } from "../../../train/memory-budget.ts";
import type { CatalogueRow, KeptModel, ModelChoice } from "../../../worker/protocol.ts";

export type Source = "demo" | "catalogue" | "hub" | "folder";

export const SOURCES: readonly { readonly value: Source; readonly title: string; readonly description: string }[] = [
  { value: "demo", title: "Built-in demo", description: "A tiny model that comes with the page. Trains in seconds." },
  { value: "catalogue", title: "Catalogue", description: "Good small models, with what each needs on this computer." },
  { value: "hub", title: "Hub id", description: "Any supported model on the Hugging Face Hub, by name or address." },
  { value: "folder", title: "Folder", description: "A model you already have on this computer." },
];

/** Which source a choice came from. */
export function sourceOf(choice: ModelChoice | null, catalogue: readonly CatalogueRow[] | null): Source {
  if (choice?.kind !== "hub") return choice?.kind ?? "demo";
  if (choice.revision !== undefined) return "hub";
  return catalogue?.some(({ entry }) => sameId(entry.id, choice.id)) ? "catalogue" : "hub";
}

const sameId = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** "as the browser says" is the empty text. */
export const MEMORY_OPTIONS: readonly { readonly value: string; readonly label: string }[] = [
  { value: "", label: "As the browser says" },
  ...MEMORY_CHOICES.map((gb) => ({ value: String(gb), label: `${gb} GB` })),
];

export const memoryOf = (value: string): number | null => (value === "" ? null : Number(value));

export interface CatalogueChoice {
  readonly id: string;
  readonly title: string;
  readonly purpose: string;
  /** Who quantised it, if anybody; licence, download, memory. Lines break between them only. */
  readonly facts: string;
  readonly badge: { readonly tone: "neutral" | "good" | "warn" | "bad"; readonly text: string };
  readonly kept: "whole" | "part" | null;
  readonly gated: boolean;
  /** Why it cannot be chosen. */
  readonly disabled: string | null;
}

const unbroken = (fact: string): string => fact.replaceAll(" ", "\u00a0");
const ownerOf = (id: string): string => id.slice(0, id.indexOf("/"));

/** One row of the catalogue in words. */
export function catalogueChoice(row: CatalogueRow, kept: readonly KeptModel[]): CatalogueChoice {
  const { entry, downloadBytes, supported, reason } = row;
  const held = kept.find(({ choice }) => choice.kind === "hub" && sameId(choice.id, entry.id));
  const need = needOf(row);
  const facts = [
    ...(entry.coded ? [`Quantised by ${ownerOf(entry.id)}`] : []),
    entry.licence.name,
    `${formatBytes(downloadBytes)} to download`,
    ...(need ? [`${formatBytes(need.bytes)} of memory`] : []),
  ];
  const base = {
    ...{
      id: entry.id,
      title: entry.title,
      purpose: entry.purpose,
      facts: facts.map(unbroken).join(" · "),
      gated: entry.gated,
    },
    kept: held ? (held.whole ? ("whole" as const) : ("part" as const)) : null,
  };
  if (!supported) {
    return {
      ...base,
      badge: { tone: "neutral", text: "Not supported yet" },
      disabled: `${reason ?? "Unknown family"}.`,
    };
  }
  if (!need) return { ...base, badge: { tone: "bad", text: "Does not run here" }, disabled: reason ?? "No estimate." };
  if (need.verdict === "too-large") {
    const disabled = "Needs more memory than this computer gives.";
    return { ...base, badge: { tone: "bad", text: "Too large" }, disabled };
  }
  const tight = need.verdict === "tight";
  return { ...base, badge: tight ? { tone: "warn", text: "Tight" } : { tone: "good", text: "Fits" }, disabled: null };
}

/** Of training with a short record, the way it would be run: keeping activations where they fit, else computing them again. */
export function needOf({ plain, checkpointed }: CatalogueRow): { bytes: number; verdict: string } | null {
  const need = plain?.verdict === "fits" ? plain : (checkpointed ?? plain);
  return need && { bytes: need.peakBytes, verdict: need.verdict };
}

/** What can be chosen here, and what cannot, each in the catalogue's order. */
export function sortChoices(rows: readonly CatalogueRow[], kept: readonly KeptModel[]) {
  const choices = rows.map((row) => catalogueChoice(row, kept));
  const here = choices.filter(({ disabled }) => disabled === null);
  return { here, others: choices.filter(({ disabled }) => disabled !== null) };
}

/** "12 models do not fit here" */
export const othersWords = (count: number): string =>
  count === 1 ? "1 model does not fit here" : `${formatCount(count)} models do not fit here`;

interface TooLarge {
  /** On the Hub, "org/name". */
  readonly id?: string | undefined;
  readonly parameters?: number | undefined;
}

/** A model of the catalogue that fits here: the same one in codes, or the largest that has fewer parameters. */
export function smallerModel(
  rows: readonly CatalogueRow[] | null,
  { id, parameters = Number.POSITIVE_INFINITY }: TooLarge = {},
): CatalogueRow["entry"] | null {
  const fitting = (rows ?? []).filter((row) => row.supported && needOf(row)?.verdict === "fits");
  const same = fitting.find(({ entry }) => id !== undefined && entry.coded && sameId(entry.coded.original, id));
  const smaller = fitting.filter(({ entry }) => entry.parameters < parameters);
  return (same ?? smaller.sort((a, b) => b.entry.parameters - a.entry.parameters)[0])?.entry ?? null;
}

/** It can be loaded without a network. */
export const isHere = (choice: ModelChoice | null, kept: readonly KeptModel[]): boolean =>
  choice?.kind !== "hub" ||
  kept.some(({ whole, choice: held }) => whole && held.kind === "hub" && sameId(held.id, choice.id));

/** "3 models, 5.2 GB" */
export function keptTotal(kept: readonly KeptModel[]): string {
  if (kept.length === 0) return "none yet";
  const bytes = kept.reduce((sum, model) => sum + model.bytes, 0);
  return `${kept.length === 1 ? "1 model" : `${formatCount(kept.length)} models`}, ${formatBytes(bytes)}`;
}

/** The folder's own name, out of the paths of what was dropped. */
export function folderName(files: readonly { readonly path: string }[]): string {
  const first = files[0]?.path ?? "";
  return first.includes("/") ? first.slice(0, first.indexOf("/")) : "Dropped files";
}
