/** The Model card in one line and one state, and what its model is in facts. Pure. */
import { formatBytes, formatCount, formatDuration } from "../../../core/units.ts";
import type { MemoryPlan, ModelState, Transfer } from "../../../worker/protocol.ts";
import type { AppState } from "../../state/app-state.ts";
import { failureTitle } from "./failures.ts";

const FITS: Readonly<Record<MemoryPlan["verdict"], string>> = {
  fits: "fits",
  tight: "tight",
  "too-large": "too large",
};

/** `here`: it can be loaded without a network. */
export function modelCardState(
  model: ModelState,
  here: boolean,
): "empty" | "loading" | "partial" | "error" | "success" {
  switch (model.phase) {
    case "none":
      return "empty";
    case "reading":
    case "loading":
      return "loading";
    case "paused":
      return "partial";
    case "failed":
      return "error";
    case "known":
      return here ? "success" : "partial";
    case "ready":
      return "success";
  }
}

/** "Qwen2.5-0.5B-Instruct · 988 MB · fits" */
export function modelSummary(model: ModelState, here: boolean, verdict: MemoryPlan["verdict"] | null): string {
  const name = shortTitle(model.title);
  const size = model.downloadBytes ?? model.facts?.bytes ?? null;
  const parts = [name, size === null ? "" : formatBytes(size), verdict ? FITS[verdict] : ""];
  switch (model.phase) {
    case "none":
      return "No model chosen";
    case "reading":
      return `Reading ${name || "the model"}`;
    case "loading":
      return joined([name, `loading${model.transfer ? `, ${percent(model.transfer)} %` : ""}`]);
    case "paused":
      return joined([name, `paused${model.transfer ? ` at ${amount(model.transfer)}` : ""}`]);
    case "failed":
      return joined([name, model.error ? lower(failureTitle(model.error)) : "could not be read"]);
    case "known":
      return joined([...parts, here ? "" : "not downloaded yet"]);
    case "ready":
      return joined(parts);
  }
}

const joined = (parts: readonly string[]): string => parts.filter((part) => part !== "").join(" · ");
const lower = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1);
/** "org/name" without the organisation. */
const shortTitle = (title: string): string => title.slice(title.lastIndexOf("/") + 1);

/** Whole percents, 100 only when all is there. */
const percent = ({ done, total }: Transfer): number => (total > 0 ? Math.floor((100 * done) / total) : 0);
const amount = ({ done, total }: Transfer): string => `${formatBytes(done)} of ${formatBytes(total)}`;

/** "412 MB of 988 MB · 21 MB/s · 27 s left"; what nobody knows is left out. */
export function transferDetail(transfer: Transfer): string {
  const { bytesPerSecond, secondsLeft } = transfer;
  return joined([
    amount(transfer),
    bytesPerSecond === null ? "" : `${formatBytes(bytesPerSecond)}/s`,
    secondsLeft === null ? "" : `${formatDuration(secondsLeft)} left`,
  ]);
}

const PRECISION: Readonly<Record<string, string>> = { f32: "32-bit float", f16: "16-bit float", bf16: "bfloat16" };

/** "bfloat16"; of codes "4 bits, in groups of 64". */
export function precisionWords(element: string): string {
  const [, bits, group] = /^q(\d)g(\d+)-/.exec(element) ?? [];
  return bits ? `${bits} bits, in groups of ${group}` : (PRECISION[element] ?? element);
}

export interface ModelFact {
  readonly name: string;
  readonly value: string;
  /** What the term means. */
  readonly meaning?: string;
}

/** What the model is, once its config is read. */
export function modelFacts({ facts, downloadBytes, hasChatTemplate, choice }: ModelState): ModelFact[] {
  if (!facts) return [];
  const size = downloadBytes ?? facts.bytes;
  return [
    { name: "Family", value: facts.family, meaning: "The architecture: how the layers are built and joined." },
    {
      name: "Parameters",
      value: people(facts.parameters),
      meaning: "The numbers a model has learnt, all its weights together.",
    },
    {
      name: "Precision",
      value: precisionWords(facts.element),
      meaning: "The format its weights are held in. They never change; adapters train in 32 bits.",
    },
    {
      name: "Blocks",
      value: formatCount(facts.blocks),
      meaning: "Layers of attention and feed-forward, one above the other.",
    },
    {
      name: "Context",
      value: `${formatCount(facts.maxTokens)} tokens`,
      meaning: "The longest text it can read at once, question and answer together.",
    },
    { name: "Vocabulary", value: `${formatCount(facts.vocabulary)} tokens`, meaning: "The pieces of text it knows." },
    {
      name: "Chat template",
      value: hasChatTemplate ? "Yes" : "No",
      meaning:
        "The form in which it expects a conversation. Without one, it can learn plain text and prompts with answers only.",
    },
    { name: choice?.kind === "hub" ? "Download" : "Size", value: formatBytes(size) },
  ];
}

/** 494032768 → "494 million". */
function people(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} billion`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(count < 1e7 ? 1 : 0)} million`;
  return formatCount(count);
}

/** Why no settings make this model fit here, before anything is downloaded; null when some may. */
export function tooLarge({ model, plan, planError }: Pick<AppState, "model" | "plan" | "planError">): string | null {
  if (model.phase !== "known") return null;
  if (planError?.code === "model-too-large") return planError.message;
  if (!plan || plan.weightBytes <= plan.budgetBytes) return null;
  const [weights, budget] = [formatBytes(plan.weightBytes), formatBytes(plan.budgetBytes)];
  return `Its weights alone take ${weights}, and this computer has about ${budget} for a model and its training.`;
}

/** The button that brings the weights to the GPU. */
export function loadWords(model: ModelState, here: boolean): string {
  if (here) return "Load";
  return model.downloadBytes === null ? "Download and load" : `Download and load, ${formatBytes(model.downloadBytes)}`;
}
