import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CHUNK_BYTES, type HubOptions, hubSource } from "../../../src/hub/huggingface.ts";
import { keptModels, removeKept, storeCache } from "../../../src/worker/models/model-cache.ts";
import { neededFiles } from "../../../src/worker/models/needed.ts";
import { memoryStore } from "../../../src/worker/storage/memory-store.ts";
import { opfsStore } from "../../../src/worker/storage/opfs-store.ts";
import type { Store } from "../../../src/worker/storage/store.ts";
import { COMMIT, type FakeHub, startHub } from "../../hub/server.ts";
import { fakeDisk } from "../storage/fake-opfs.ts";
import { BESIDE, TINY } from "./support.ts";

const weights = new Uint8Array(2 * CHUNK_BYTES + 1000).map((_, i) => (i * 31 + (i >> 16)) & 0xff);
const files = { ...TINY, ...BESIDE, "model.safetensors": weights };

let hub: FakeHub;
beforeEach(async () => {
  hub = await startHub(files);
});
afterEach(() => hub.close());

const source = (store: Store, options: HubOptions = {}) =>
  hubSource("org/model", {
    endpoint: hub.endpoint,
    attempts: 1,
    retryDelayMs: 1,
    cache: storeCache(store),
    ...options,
  });

/** Reads needed files as a load would: all of them, or until the named one. */
async function download(store: Store, until?: string): Promise<void> {
  const from = source(store);
  for (const { path, size } of (await neededFiles(from)).files) {
    const file = (await from.open(path))!;
    await file.read(0, path === until ? 10 : size);
    if (path === until) return;
  }
}

const STORES: [string, () => Store][] = [
  ["memory", memoryStore],
  ["a file system", () => opfsStore(fakeDisk().root)],
];

describe.each(STORES)("Hub models in a store: %s", (_, make) => {
  it("are listed with their commit, their bytes and whether all is there", async () => {
    const store = make();
    expect(await keptModels(store)).toEqual([]);
    await download(store, "model.safetensors");
    const [part] = await keptModels(store);
    expect(part).toMatchObject({ kind: "hub", id: "org/model", commits: [COMMIT], whole: false });
    expect(part!.bytes).toBeGreaterThan(CHUNK_BYTES);
    await download(store);
    const [whole] = await keptModels(store);
    expect(whole).toMatchObject({ whole: true, commits: [COMMIT] });
    expect(whole!.bytes).toBe(await store.usage());
  });

  it("that are whole are read without a network", async () => {
    const store = make();
    await download(store);
    await hub.close();
    const kept = source(store);
    expect(await kept.commit()).toBe(COMMIT);
    const file = (await kept.open("model.safetensors"))!;
    expect(Buffer.compare(await file.read(0, weights.length), weights)).toBe(0);
    const readme = (await kept.open("README.md"))!;
    await expect(readme.read(0, 3)).rejects.toMatchObject({ code: "offline" });
    hub = await startHub(files);
  });

  it("with a chunk cut off are not whole, and only that chunk is fetched again", async () => {
    const store = make();
    await download(store);
    const chunk = `models/hub/org/model@${COMMIT}/model.safetensors/1.chunk`;
    await store.write(chunk, weights.subarray(CHUNK_BYTES, CHUNK_BYTES + 100));
    expect(await keptModels(store)).toMatchObject([{ whole: false }]);
    hub.log.length = 0;
    await download(store);
    const asked = hub.log.filter(({ url }) => url.includes("/resolve/"));
    expect(asked.map(({ range }) => range)).toEqual([`bytes=${CHUNK_BYTES}-${2 * CHUNK_BYTES - 1}`]);
    expect(await keptModels(store)).toMatchObject([{ whole: true }]);
  });

  it("are removed with all their commits, and nothing else is", async () => {
    const store = make();
    await download(store);
    const cache = storeCache(store);
    for (const key of ["org/model@older/config.json", "org/model-2@a/f", "gpt2@b/f"]) {
      await cache.put(key, 0, new Uint8Array(5));
    }
    expect((await keptModels(store)).map(({ id, commits, whole }) => [id, commits, whole])).toEqual([
      ["gpt2", ["b"], false],
      ["org/model", [COMMIT, "older"], true],
      ["org/model-2", ["a"], false],
    ]);
    await removeKept(store, { kind: "hub", id: "org/model" });
    await removeKept(store, { kind: "hub", id: "org/absent" });
    expect((await keptModels(store)).map(({ id }) => id)).toEqual(["gpt2", "org/model-2"]);
    await removeKept(store, { kind: "hub", id: "gpt2" });
    expect(await store.usage()).toBe(5);
  });

  it("of a branch with a slash are found too", async () => {
    const store = make();
    const slash = "refs/pr/1";
    hub.intercept = (request) => {
      request.url = request.url!.replace(encodeURIComponent(slash), "main");
      return false;
    };
    const from = source(store, { revision: slash });
    for (const { path, size } of (await neededFiles(from)).files) await (await from.open(path))!.read(0, size);
    expect(await keptModels(store)).toMatchObject([{ id: "org/model", commits: [COMMIT], whole: true }]);
  });
});

it("a chunk that cannot be read counts as absent", async () => {
  const store = memoryStore();
  const unreadable: Store = { ...store, read: () => Promise.reject(new Error("held")) };
  expect(await storeCache(unreadable).get("k", 0)).toBeNull();
});
