import { describe, expect, it } from "vitest";
import { type ModelSource, readText } from "../../../src/core/bytes.ts";
import { keepFolder, keptFolderSource } from "../../../src/worker/models/kept-folder.ts";
import { keptModels, removeKept } from "../../../src/worker/models/model-cache.ts";
import { memoryStore } from "../../../src/worker/storage/memory-store.ts";
import { isStorageFull, type Store } from "../../../src/worker/storage/store.ts";
import { BESIDE, modelOf, sizeOf, TINY, without } from "./support.ts";

const MIB = 2 ** 20;
const LARGE = { ...TINY, "model.safetensors": new Uint8Array(20 * MIB).map((_, i) => (i * 7 + (i >> 13)) & 0xff) };
const NAME = "my model/ü 100%";

async function contents(source: ModelSource): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {};
  for (const path of await source.list()) {
    const file = (await source.open(path))!;
    files[path] = await file.read(0, file.size);
  }
  return files;
}

describe("a kept folder", () => {
  it("holds what training needs and reads as the folder did", async () => {
    const store = memoryStore();
    const steps: [number, number][] = [];
    await keepFolder(store, NAME, modelOf({ ...LARGE, ...BESIDE }), {
      onProgress: (done, total) => steps.push([done, total]),
    });
    const kept = (await keptFolderSource(store, NAME))!;
    expect(kept.label).toBe(NAME);
    const found = await contents(kept);
    expect(Object.keys(found).sort()).toEqual(Object.keys(LARGE).sort());
    for (const [path, bytes] of Object.entries(LARGE)) expect(Buffer.compare(found[path]!, bytes)).toBe(0);
    expect(await kept.open("README.md")).toBeNull();
    expect((await kept.open("config.json"))?.name).toBe(`${NAME}/config.json`);
    expect(steps.at(-1)).toEqual([sizeOf(LARGE), sizeOf(LARGE)]);
    expect(steps.length).toBeGreaterThan(Object.keys(LARGE).length);
    expect(await keptModels(store)).toMatchObject([{ kind: "folder", id: NAME, commits: [], whole: true }]);
  });

  it("replaces an earlier one of its name, and can be removed", async () => {
    const store = memoryStore();
    await keepFolder(store, NAME, modelOf(LARGE));
    await keepFolder(store, NAME, modelOf(without(TINY, "chat_template.jinja")));
    const kept = (await keptFolderSource(store, NAME))!;
    expect(await kept.list()).not.toContain("chat_template.jinja");
    expect(await readText(kept, "config.json")).toContain("llama");
    expect(await store.usage()).toBeLessThan(10_000);
    await removeKept(store, { kind: "folder", id: NAME });
    expect([await keptFolderSource(store, NAME), await store.usage()]).toEqual([null, 0]);
  });

  it("that was stopped, or found no room, leaves nothing behind", async () => {
    const abort = new AbortController();
    const stopping = { onProgress: () => abort.abort(new Error("stopped")), signal: abort.signal };
    const store = memoryStore();
    await expect(keepFolder(store, NAME, modelOf(LARGE), stopping)).rejects.toThrow("stopped");
    expect(await store.usage()).toBe(0);
    const small = memoryStore({ limit: 10 * MIB });
    await expect(keepFolder(small, NAME, modelOf(LARGE))).rejects.toSatisfy(isStorageFull);
    expect(await small.usage()).toBe(0);
    await keepFolder(small, NAME, modelOf(TINY)); // the control
  });

  it("that a crash cut off is not used, but shown, so that it can be removed", async () => {
    const store = memoryStore();
    let writes = 0;
    const dying: Store = {
      ...store,
      writeAt: async (...args) => (writes++ < 3 ? store.writeAt(...args) : new Promise<never>(() => {})),
    };
    void keepFolder(dying, NAME, modelOf(LARGE));
    await expect.poll(() => writes).toBe(4);
    expect(await keptFolderSource(store, NAME)).toBeNull();
    expect(await keptModels(store)).toMatchObject([{ kind: "folder", id: NAME, whole: false }]);
  });

  it("whose file has another length is not used", async () => {
    const store = memoryStore();
    await keepFolder(store, "m", modelOf(TINY));
    expect(await keptFolderSource(store, "m")).not.toBeNull();
    await store.write("models/folder/m/files/model.safetensors", new Uint8Array(4999));
    expect(await keptFolderSource(store, "m")).toBeNull();
  });

  it("is refused when the folder is no model", async () => {
    const store = memoryStore();
    await expect(keepFolder(store, "m", modelOf(BESIDE))).rejects.toThrow("expected model.safetensors");
    expect(await store.usage()).toBe(0);
  });
});
