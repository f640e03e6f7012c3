/** README.md of an adapter's repository on the Hub: what it is, what it goes on, and what was checked. Pure. */
import type { WeightElement } from "../../gpu/weight.ts";
import { quantizationOf } from "../../gpu/weight-element.ts";
import { findEntry } from "../../hub/catalogue.ts";
import { type Adapter, type AdapterFactor, isDora } from "../../lora/adapter.ts";
import type { RunOutcome } from "../protocol.ts";
import type { StoredRun } from "./run-folder.ts";

/** What the files say, which knows more than the run's settings: an adapter that was opened has none of its own. */
export interface CardFacts {
  readonly adapter: Pick<Adapter, "alpha" | "factors">;
  /** What most matrices of the base were on the GPU. */
  readonly element: WeightElement;
}

export function modelCard(state: StoredRun, facts: CardFacts): string {
  const { model, modelTitle, outcome } = state;
  const dora = isDora(facts.adapter);
  const base = model.kind === "hub" ? [`base_model: ${model.id}`] : [];
  const checks = outcome?.checks.map(({ name, passed, evidence }) => `- ${passed ? "✓" : "✗"} ${name} (${evidence})`);
  // A run of an older page has none.
  const judged: RunOutcome["judged"] | undefined = outcome?.judged;
  const codes = codesWords(state, facts.element);
  return [
    ...["---", ...base, "library_name: mlx", `tags: [${dora ? "dora, " : ""}lora, lorikeet]`, "---", ""],
    `# ${dora ? "DoRA" : "LoRA"} adapter for ${modelTitle}`,
    "",
    `${originWords(state)}: ${settings(state, facts.adapter)}.`,
    ...(codes === null ? [] : ["", codes]),
    ...["", "## Checks before it was handed over", "", ...(checks ?? []), ""],
    ...(judged ? [`Verdict: ${judged.verdict}. ${judged.reason}`, ""] : []),
  ].join("\n");
}

const isOpened = ({ totalSteps }: StoredRun): boolean => totalSteps === 0;

const originWords = (state: StoredRun): string =>
  isOpened(state)
    ? "Made elsewhere, opened and checked with Lorikeet in a browser tab"
    : `Trained on ${state.dataTitle} with Lorikeet in a browser tab`;

/** "rank 8, alpha 16, rate 0.0002"; of layers that differ "ranks 4 to 16, alpha 32 at rank 16". */
function settings(state: StoredRun, { alpha, factors }: CardFacts["adapter"]): string {
  const ranks = factors.map(usedRank);
  const [least, most] = [Math.min(...ranks), Math.max(...ranks)];
  const strength =
    least === most ? `rank ${most}, alpha ${alpha}` : `ranks ${least} to ${most}, alpha ${alpha} at rank ${most}`;
  return isOpened(state) ? strength : `${strength}, rate ${state.config.learningRate}`;
}

/** Without the zeros at its end that MLX's one rank for all asks of a layer of a lower one. */
function usedRank({ rank, in_features, A }: AdapterFactor): number {
  let used = rank;
  while (used > 1 && A.subarray((used - 1) * in_features, used * in_features).every((value) => value === 0)) used -= 1;
  return used;
}

/** What the codes of the base mean for who uses the adapter; null where it has none. */
function codesWords({ model }: StoredRun, element: WeightElement): string | null {
  const codes = quantizationOf(element);
  if (!codes) return null;
  const what = `MLX's codes of ${codes.bits} bits in groups of ${codes.group}`;
  if (model.quantize) {
    return `It learnt on weights that were coded while they were loaded, to ${what}: on the weights as published its answers differ a little.`;
  }
  const original = model.kind === "hub" ? findEntry(model.id)?.coded?.original : undefined;
  const instead = original ? `${original}, whose weights these codes stand for` : "the model that was coded";
  return `The base is in ${what}, which mlx-lm reads and transformers, with PEFT or TRL, does not. There, load ${instead}; answers differ a little.`;
}
