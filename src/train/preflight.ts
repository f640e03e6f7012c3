/**
 * Before the first update: is what will be trained what was meant, can these labels teach anything, is there room, and is
 * the step one that this model can take? What makes a run pointless is an error; everything else is told with its fix.
 */

import { dataError, modelError } from "../core/errors.ts";
import { formatBytes, formatCount } from "../core/units.ts";
import { type Example, NO_LOSS } from "../data/encode.ts";
import { unlearnedEnd } from "../data/example-checks.ts";
import type { Finding } from "../health/finding.ts";
import { judgeStepSize } from "../health/step-size.ts";
import type { AttachedLora } from "../lora/attach.ts";
import { describeTrainable } from "../lora/audit.ts";
import type { CausalLM } from "../models/model.ts";
import { namedLeaves } from "../nn/module.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { TrainConfig } from "./config.ts";
import { modelFacts } from "./facts.ts";
import { fits, type MemoryBudget } from "./memory-budget.ts";
import { memoryParts, recomputedWords } from "./memory-parts.ts";
import type { PlannedMemory } from "./memory-plan.ts";

export interface PreflightInput {
  readonly model: CausalLM;
  readonly lora: AttachedLora;
  /** Paths of the layers that were to be adapted. */
  readonly planned: readonly string[];
  readonly config: TrainConfig;
  readonly train: readonly Example[];
  /** null where everything came pre-tokenised. */
  readonly tokenizer: Tokenizer | null;
}

/** Examples whose ends are looked at. */
const SAMPLE = 256;
/** Fewer tokens with loss than this in a hundred, and most of the work teaches nothing. */
const FEW_LABELS = 0.02;

/** All but the memory. Throws ModelError or DataError for what would make the run pointless. */
export function preflight(input: PreflightInput): Finding[] {
  return [auditAttached(input), labels(input), ...ends(input), tokenIds(input), stepSize(input)];
}

/** Planned against attached, by name: a trainer that adapts nothing, or something else, shows here. */
function auditAttached({ model, lora, planned }: PreflightInput): Finding {
  const attached = namedLeaves(model.tree).flatMap(({ path, leaf }) =>
    leaf.kind === "linear" && leaf.lowRank?.A.storage === lora.parameters.storage ? [path] : [],
  );
  const missing = planned.filter((path) => !attached.includes(path));
  const foreign = attached.filter((path) => !planned.includes(path));
  if (planned.length === 0 || missing.length > 0 || foreign.length > 0) {
    const parts = [
      ...(planned.length === 0 ? ["no layer was planned"] : []),
      ...(missing.length > 0 ? [`planned but not attached: ${missing.join(", ")}`] : []),
      ...(foreign.length > 0 ? [`attached but not planned: ${foreign.join(", ")}`] : []),
    ];
    throw modelError(
      `adapter: expected ${planned.length} adapted layers, found ${attached.length}: ${parts.join("; ")}`,
      "Check the target modules. If they are right, this is a fault of Lorikeet; report it.",
    );
  }
  const { layers, tensors, parameters } = describeTrainable(lora.slots, {
    dora: lora.slots.some(({ magnitude }) => magnitude),
  });
  const { parameters: all } = modelFacts(model);
  return {
    id: "adapter",
    level: "good",
    title: `${formatCount(layers)} of ${formatCount(planned.length)} planned layers have their adapter`,
    evidence:
      `${formatCount(tensors)} tensors, ${formatCount(parameters)} numbers will be trained; ` +
      `the ${formatCount(all)} of the model stay as they are.`,
  };
}

function labels({ train }: PreflightInput): Finding {
  const silent = train.filter(({ supervised }) => supervised === 0).length;
  const tokens = train.reduce((sum, { ids }) => sum + ids.length, 0);
  const supervised = train.reduce((sum, example) => sum + example.supervised, 0);
  if (supervised === 0) {
    throw dataError(
      `labels: none of the ${formatCount(tokens)} tokens of ${formatCount(train.length)} records carries loss`,
      "Check that the records have answers, or give loss to everything with --no-mask-prompt.",
    );
  }
  const share = supervised / tokens;
  const evidence = `${formatCount(supervised)} of ${formatCount(tokens)} tokens (${(100 * share).toPrecision(2)} %) carry loss.`;
  if (silent > 0) {
    return {
      ...{ id: "labels", level: "warn", evidence },
      title: `${formatCount(silent)} records teach nothing`,
      fix: "Leave them out, or look at how their answers are marked.",
    };
  }
  if (share < FEW_LABELS) {
    return {
      ...{ id: "labels", level: "note", title: "Few tokens carry loss", evidence },
      fix: "Shorter prompts train faster; larger batches steady the loss.",
    };
  }
  return { id: "labels", level: "good", title: "Labels carry loss", evidence };
}

/** A model that never sees an answer end does not learn to stop. */
function ends({ train, tokenizer }: PreflightInput): Finding[] {
  if (!tokenizer) return [];
  const whole = train.filter(({ truncated }) => !truncated);
  const stride = Math.max(1, Math.floor(whole.length / SAMPLE));
  const sample = whole.filter((_, i) => i % stride === 0);
  if (sample.length === 0) {
    const evidence = "Every record is longer than the limit, so its end is cut off.";
    const fix = "Raise --max-seq-length, or split the records.";
    return [{ id: "ends", level: "warn", title: "No answer is seen to end", evidence, fix }];
  }
  const open = sample.flatMap((example) => unlearnedEnd(example, tokenizer) ?? []);
  if (open.length === 0) {
    const evidence = `All of ${formatCount(sample.length)} records looked at give loss to the token that ends an answer.`;
    return [{ id: "ends", level: "good", title: "Answers are seen to end", evidence }];
  }
  return [
    {
      ...{ id: "ends", level: 2 * open.length > sample.length ? "bad" : "warn" },
      title: "Answers are not seen to end",
      evidence:
        `${formatCount(open.length)} of ${formatCount(sample.length)} records looked at have an answer that ends with ` +
        `${JSON.stringify(open[0])} and no end-of-turn token: the model will not learn to stop.`,
      fix: "Use a model whose chat template ends each answer with its end-of-turn token, or add that token to the answers.",
    },
  ];
}

function tokenIds({ train, model }: PreflightInput): Finding {
  const { vocab_size } = model.config;
  let greatest = 0;
  for (const { ids, labels: wanted, line } of train) {
    for (const [i, id] of ids.entries()) {
      greatest = Math.max(greatest, id);
      const label = wanted[i]!;
      if (id < vocab_size && (label === NO_LOSS || (label >= 0 && label < vocab_size))) continue;
      throw dataError(
        `line ${line}: token ${i} has id ${id} and label ${label}, the vocabulary has ${vocab_size} words`,
        "The records were made for another model: give text, or ids of this model's tokenizer.",
      );
    }
  }
  const evidence = `The greatest id is ${formatCount(greatest)}, the vocabulary has ${formatCount(vocab_size)} words.`;
  return { id: "token-ids", level: "good", title: "Every token is in the vocabulary", evidence };
}

/** Of the layer that is scaled the most. */
function stepSize({ config: { learningRate }, lora, model }: PreflightInput): Finding {
  const { rank, scale } = lora.slots.reduce((most, slot) => (slot.scale > most.scale ? slot : most));
  const { parameters } = modelFacts(model);
  return judgeStepSize({ learningRate, alpha: scale * rank, rank, useRslora: false, parameters });
}

/** The plan against what this machine has; `budget` is null where nobody knows. */
export function judgeMemory({ estimate, blocks }: PlannedMemory, budget: MemoryBudget | null): Finding {
  const { peakBytes } = estimate;
  const again = recomputedWords(blocks);
  const named = memoryParts(estimate.parts).map(({ label, bytes }, i) => {
    return `${i === 0 ? label : label.toLowerCase()} ${formatBytes(bytes)}`;
  });
  const parts = `${named.join(", ")}${again && `; ${again} to save memory`}.`;
  const title = `About ${formatBytes(peakBytes)} on the device`;
  // How much there is, not every machine tells; then the numbers are all that can be said.
  if (!budget || budget.source === "assumed") return { id: "memory", level: "note", title, evidence: parts };
  const { verdict, words } = fits(peakBytes, budget);
  const found = { id: "memory", title, evidence: `${words} ${parts}` };
  if (verdict === "fits") return { ...found, level: "good" };
  const fix = "Make the batch smaller, cut the records shorter (--max-seq-length), or choose a smaller model.";
  return { ...found, level: verdict === "tight" ? "note" : "warn", fix };
}
