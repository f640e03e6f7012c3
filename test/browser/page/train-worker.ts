/** Trains the tiny llama in a worker from files that it fetches, and proves the files that it writes. */
import { type ModelSource, memoryModel } from "../../../src/core/bytes.ts";
import { type Example, NO_LOSS } from "../../../src/data/encode.ts";
import { openDevice } from "../../../src/gpu/open.ts";
import { exportMlx } from "../../../src/lora/export.ts";
import { importAdapter } from "../../../src/lora/import.ts";
import { resolveConfig } from "../../../src/train/config.ts";
import { TrainingSession } from "../../../src/train/session.ts";
import type { PlainExample, TrainOrder, TrainOutcome, TrainReply } from "./train-protocol.ts";

const MODEL = {
  "config.json": new URL("../../fixtures/llama/config.json", import.meta.url),
  "model.safetensors": new URL("../../fixtures/llama/model.safetensors", import.meta.url),
};
const INITIAL = {
  "adapter_config.json": new URL("../../fixtures/llama/adapters/init/adapter_config.json", import.meta.url),
  "adapter_model.safetensors": new URL("../../fixtures/llama/adapters/init/adapter_model.safetensors", import.meta.url),
};

addEventListener("message", ({ data }: MessageEvent<TrainOrder>) => {
  const reply = (answer: TrainReply) => postMessage(answer);
  void train(data).then(
    (outcome) => reply({ outcome }),
    (error) => reply({ error: String(error) }),
  );
});

async function train({ steps, examples }: TrainOrder): Promise<TrainOutcome> {
  const session = new TrainingSession(await openDevice(navigator.gpu));
  await session.load(await fetchFolder("llama", MODEL));
  const data = examples.map(toExample);
  const config = resolveConfig(
    {
      ...{ steps, rank: 4, alpha: 8, batchSize: 2, shuffle: false, learningRate: 1e-3, weightDecay: 0.01 },
      ...{ lrSchedule: "constant", warmup: 0, maxGradNorm: 0 },
    },
    "test",
  );
  const initial = await importAdapter(await fetchFolder("init", INITIAL));
  const losses: number[] = [];
  for await (const event of session.train({ config, train: data, valid: [], initial })) {
    if (event.type === "step") losses.push(event.loss);
    if (event.type !== "done") continue;
    const files = exportMlx(event.adapter);
    const checks = await session.verify(event.adapter, memoryModel("adapters", files), data, event);
    session.dispose();
    return { losses, checks, files: files.map(({ path, bytes }) => ({ path, bytes: [...bytes] })) };
  }
  throw new Error("the run ended without an adapter");
}

async function fetchFolder(label: string, addresses: Readonly<Record<string, URL>>): Promise<ModelSource> {
  const files = Object.entries(addresses).map(async ([path, address]) => {
    const response = await fetch(address);
    if (!response.ok) throw new Error(`${address}: status ${response.status}`);
    return { path, bytes: new Uint8Array(await response.arrayBuffer()) };
  });
  return memoryModel(label, await Promise.all(files));
}

function toExample({ ids, labels }: PlainExample): Example {
  const supervised = labels.filter((label) => label !== NO_LOSS).length;
  return { ids: Uint32Array.from(ids), labels: Int32Array.from(labels), line: 1, truncated: false, supervised };
}
