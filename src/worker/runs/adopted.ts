/** An adapter that was made elsewhere, kept as a run of no updates: asked, looked at and downloaded like any other. */
import type { Adapter } from "../../lora/adapter.ts";
import { splitModule } from "../../lora/adapter.ts";
import { resolveConfig, type TrainConfig } from "../../train/config.ts";
import type { DoneEvent } from "../../train/events.ts";
import type { ModelChoice } from "../protocol.ts";
import type { RunRecords, StoredRun } from "./run-folder.ts";

export interface AdoptedFrom {
  /** What it is called. */
  readonly name: string;
  readonly model: ModelChoice;
  readonly modelTitle: string;
}

/** What is written down of it. Settings that only training has are the defaults. */
export function adoptedRun(id: string, began: number, adapter: Adapter, from: AdoptedFrom): StoredRun {
  const { name, model, modelTitle } = from;
  return {
    ...{ id, title: `${name} on ${modelTitle}`, model, modelTitle, dataTitle: name, began, status: "running" },
    ...{ config: configOf(adapter), probes: [], totalSteps: 0, savedStep: 0, outcome: null },
  };
}

function configOf({ rank, alpha, dropout, factors }: Adapter): TrainConfig {
  const targetModules = [...new Set(factors.map(({ module }) => splitModule(module).key.split(".").at(-1)!))].sort();
  return { ...resolveConfig({}, "adapter"), rank, alpha, dropout, targetModules };
}

/** No updates were made. */
export const adoptedDone = (adapter: Adapter): DoneEvent => ({
  ...{ type: "done", adapter, steps: 0, chosen: "last", chosenStep: 0, skippedUpdates: 0, stopped: false },
  ...{ endedEarly: null, rollbacks: 0, unmoved: [], baseChanged: [], answers: null },
});

const SENTENCES = [
  "The small bird sat on the highest branch and sang until the rain came.",
  "Add the numbers from one to ten, and then divide the sum by five.",
  "Dear neighbour, thank you for the apples; the cake will be ready on Sunday.",
];

/** Something to compare logits on. */
export const adoptedRecords = (): RunRecords => ({
  train: new TextEncoder().encode(SENTENCES.map((text) => `${JSON.stringify({ text })}\n`).join("")),
  valid: null,
});
