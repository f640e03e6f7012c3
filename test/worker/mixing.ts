/** Two small adapters on the demo as runs that nobody made, for the tests of mixes. */
import { readFileSync } from "node:fs";
import { openGpu } from "../../src/cli/node/gpu.ts";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import type { Adapter } from "../../src/lora/adapter.ts";
import { exportMlx } from "../../src/lora/export.ts";
import { RunFolder, type StoredRun } from "../../src/worker/runs/run-folder.ts";
import { memoryStore } from "../../src/worker/storage/memory-store.ts";
import { blockLinears, randomAdapter } from "../lora/support.ts";
import { outcomeAfter } from "../support/outcome.ts";
import { fetchPublic, opened, storedRun, type TestEngine, testEngine } from "./support.ts";

const config = JSON.parse(readFileSync(new URL("../../public/demo/config.json", import.meta.url), "utf8"));
const linears = blockLinears(parseModelConfig(config, "demo"));
export const IDS = [5, 17, 200, 31, 8];

/** Small enough for answers that are still words; of the given modules alone. */
function adapterOf(rank: number, modules = ""): Adapter {
  const made = randomAdapter(
    [...linears].filter(([path]) => path.includes(modules)),
    rank,
  );
  return {
    ...made,
    factors: made.factors.map((factor) => ({ ...factor, B: factor.B.map((value) => value / 50) })),
  };
}
export const STYLE = adapterOf(4);
/** Another rank, and only one kind of layer. */
export const FACTS = adapterOf(2, "q_proj");
export const DORA: Adapter = {
  ...STYLE,
  factors: STYLE.factors.map((factor) => ({ ...factor, magnitude: new Float32Array(factor.out_features).fill(0.7) })),
};

/** A run that nobody made, with this adapter's files. */
export async function kept({ store }: TestEngine, id: string, adapter: Adapter, changes: Partial<StoredRun> = {}) {
  const folder = new RunFolder(store, id);
  for (const { path, bytes } of exportMlx(adapter)) await folder.write(path, bytes);
  await folder.saveState({ ...storedRun(outcomeAfter(6)), title: id, ...changes, id });
}

/** With the model on the GPU, the one adapter on it, and both among the runs. */
export async function ready(openDevice = openGpu): Promise<TestEngine> {
  const test = testEngine(memoryStore(), fetchPublic, openDevice);
  await opened(test);
  await test.engine.chooseModel({ kind: "demo" }, {});
  await kept(test, "style", STYLE);
  await kept(test, "facts", FACTS);
  await test.engine.openRun("style");
  return test;
}
