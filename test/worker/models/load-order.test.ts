/** A model larger than what can be kept: its file is read from front to back, so nothing of it is fetched twice. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openCheckpoint } from "../../../src/formats/checkpoint.ts";
import { parseModelConfig } from "../../../src/formats/model-config.ts";
import { type TensorData, writeSafetensors } from "../../../src/formats/safetensors.ts";
import { DryDevice } from "../../../src/gpu/dry-run.ts";
import { CHUNK_BYTES, hubSource } from "../../../src/hub/huggingface.ts";
import { loadModel, wantedTensors } from "../../../src/models/load.ts";
import { buildModel } from "../../../src/models/registry.ts";
import { isStorageFull, storageFullError } from "../../../src/worker/storage/store.ts";
import { type FakeHub, startHub } from "../../hub/server.ts";
import { fixtureJson } from "../../support/golden.ts";
import { bytesOf } from "./support.ts";

const CONFIG = { ...fixtureJson("llama/config.json"), vocab_size: 24_000 };
const WANTED = wantedTensors(buildModel(parseModelConfig(CONFIG, "config.json"), "config.json"));
/** As files have it: neither in the model's order nor in the order of names, large and small mixed. */
const SHUFFLED = [...WANTED].sort((a, b) => a.name.slice(-9).localeCompare(b.name.slice(-9)));

function tensorFile(part: typeof SHUFFLED): Uint8Array {
  const tensors = part.map(({ name, shape }): TensorData => {
    const bytes = new Uint8Array(4 * shape.reduce((a, b) => a * b, 1));
    return { name, dtype: "F32", shape, bytes };
  });
  return writeSafetensors(tensors, { format: "pt" });
}

const shard = (n: number) => `model-0000${n}-of-00002.safetensors`;
const middle = SHUFFLED.length >> 1;
const parts = [SHUFFLED.slice(0, middle), SHUFFLED.slice(middle)];
const SHARDS = Object.fromEntries(parts.map((part, i) => [shard(i + 1), tensorFile(part)]));
const INDEX = {
  weight_map: Object.fromEntries(parts.flatMap((part, i) => part.map(({ name }) => [name, shard(i + 1)]))),
};
const MODELS: [string, Record<string, Uint8Array>][] = [
  ["one file", { "model.safetensors": tensorFile(SHUFFLED) }],
  ["two shards", { ...SHARDS, "model.safetensors.index.json": bytesOf(INDEX) }],
];

describe.each(MODELS)("loading %s while nothing can be kept", (_, weights) => {
  let hub: FakeHub;
  beforeEach(async () => {
    hub = await startHub({ "config.json": bytesOf(CONFIG), ...weights });
  });
  afterEach(() => hub.close());
  const told: unknown[] = [];
  const source = () =>
    hubSource("org/model", {
      endpoint: hub.endpoint,
      cache: { get: async () => null, put: async (key) => Promise.reject(storageFullError(key, CHUNK_BYTES)) },
      onCacheFailure: (error) => told.push(error),
    });
  const size = Object.values(weights).reduce((sum, { byteLength }) => sum + byteLength, 0);

  it("fetches every byte once, and says once that there is no room", async () => {
    expect(size).toBeGreaterThan(1.4 * CHUNK_BYTES);
    told.length = 0;
    await loadModel(source(), new DryDevice());
    expect(hub.sent).toBe(size + bytesOf(CONFIG).byteLength);
    expect(told).toHaveLength(1);
    expect(told.every(isStorageFull)).toBe(true);
  });

  it("would fetch much more in the model's order: the measure bites", async () => {
    const checkpoint = await openCheckpoint(source());
    for (const { name } of WANTED) await checkpoint.read(name);
    expect(hub.sent).toBeGreaterThan(1.5 * size);
  });
});
