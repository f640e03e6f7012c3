/** How long the page's first visitor waits: the trial run of the built-in demo, from Start to the first loss. */
import { stat } from "node:fs/promises";
import path from "node:path";
import { readDataset } from "../../data/dataset.ts";
import type { Device } from "../../gpu/device.ts";
import { resolveConfig } from "../../train/config.ts";
import { modelFacts } from "../../train/facts.ts";
import { presetKnobs } from "../../train/presets.ts";
import { TrainingSession } from "../../train/session.ts";
import { fileSource, folderSource } from "../node/folder.ts";
import { demoFolder } from "../node/package.ts";

export interface FirstLoss {
  /** Model and records are there, as on the page when its button can be pressed. */
  readonly seconds: number;
  readonly loss: number;
}

/** Leaves the demo's weights on the device, so it comes last. */
export async function benchFirstLoss(device: Device): Promise<FirstLoss> {
  const session = new TrainingSession(device);
  const model = await session.load(folderSource(demoFolder()));
  const config = resolveConfig(presetKnobs("trial", modelFacts(model).parameters), "bench");
  const open = async (name: string) => {
    const file = path.join(demoFolder(), name);
    return fileSource(file, (await stat(file)).size);
  };
  const dataset = await readDataset({ train: await open("train.jsonl"), valid: await open("valid.jsonl") });
  const train = (await session.encode(dataset.train, config)).examples;
  const valid = (await session.encode(dataset.valid!, config)).examples;
  const stop = new AbortController();
  const start = performance.now();
  const first = { seconds: Number.NaN, loss: Number.NaN };
  for await (const event of session.train({ config, train, valid, signal: stop.signal })) {
    if (event.type !== "step" || stop.signal.aborted) continue;
    first.seconds = (performance.now() - start) / 1000;
    first.loss = event.loss;
    stop.abort();
  }
  return first;
}
