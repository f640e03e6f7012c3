import { describe, expect, it } from "vitest";
import { openStore } from "../../../src/worker/storage/open-store.ts";
import type { OpfsFolder } from "../../../src/worker/storage/opfs-types.ts";
import { storageFacts } from "../../../src/worker/storage/storage-facts.ts";
import { fakeDisk } from "./fake-opfs.ts";

describe("openStore", () => {
  it("takes the file system when it works, and leaves no trace of trying", async () => {
    const { root, used } = fakeDisk();
    const { store, note, reason } = await openStore({ getRoot: async () => root });
    expect([store.lasting, reason, used()]).toEqual([true, null, 0]);
    expect(note).not.toContain("until the tab closes");
    await store.write("f", new Uint8Array(7));
    const again = await openStore({ getRoot: async () => root });
    expect(await again.store.list("")).toEqual([{ name: "f", kind: "file", size: 7 }]);
    expect((await openStore({ getRoot: async () => root, folder: "other" })).store.lasting).toBe(true);
  });

  const refusing = new DOMException("The operation is insecure.", "SecurityError");
  const withoutRoom = () => {
    const disk = fakeDisk();
    disk.quota = 10;
    return disk.root;
  };
  it.each([
    ["there is none", undefined, "no private file system"],
    ["it is refused", () => Promise.reject(refusing), "insecure"],
    ["nothing can be written", async () => withoutRoom(), "storage for this page is full"],
    ["handles do not exist", async () => withoutHandles(), "createSyncAccessHandle"],
  ])("keeps things in memory when %s, and says why", async (_, getRoot, why) => {
    const { store, note, reason } = await openStore(getRoot ? { getRoot } : {});
    expect(store.lasting).toBe(false);
    expect(note).toContain("until the tab closes");
    expect(reason).toContain(why);
    await store.write("f", new Uint8Array(3));
    expect(await store.usage()).toBe(3);
  });
});

function withoutHandles(): OpfsFolder {
  const without = (folder: OpfsFolder): OpfsFolder => ({
    ...folder,
    getDirectoryHandle: async (name, options) => without(await folder.getDirectoryHandle(name, options)),
    async getFileHandle(name, options) {
      const { createSyncAccessHandle: _, ...file } = await folder.getFileHandle(name, options);
      return file as unknown as Awaited<ReturnType<OpfsFolder["getFileHandle"]>>;
    },
  });
  return without(fakeDisk().root);
}

describe("storage facts", () => {
  const refuse = () => Promise.reject(new TypeError("no"));

  it("are what the browser says", async () => {
    const storage = {
      estimate: async () => ({ usage: 5, quota: 100 }),
      persisted: async () => true,
    };
    expect(await storageFacts(storage)).toEqual({ usedBytes: 5, quotaBytes: 100, persisted: true });
  });

  it.each([
    ["nothing", {}],
    ["only refusals", { estimate: refuse, persisted: refuse }],
    ["an empty estimate", { estimate: async () => ({}) }],
  ])("are unknown where there is %s", async (_, storage) => {
    expect(await storageFacts(storage)).toEqual({ usedBytes: null, quotaBytes: null, persisted: false });
  });

  it("do not need a browser", async () => {
    expect((await storageFacts()).persisted).toBe(false);
  });
});
