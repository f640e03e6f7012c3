import { describe, expect, it } from "vitest";
import { memoryStore } from "../../../src/worker/storage/memory-store.ts";
import { opfsStore } from "../../../src/worker/storage/opfs-store.ts";
import { isStorageFull, type Store } from "../../../src/worker/storage/store.ts";
import { STORE_CHECKS } from "../../browser/page/store-contract.ts";
import { fakeDisk } from "./fake-opfs.ts";

const unmovable = () => {
  const disk = fakeDisk();
  disk.canMove = false;
  return opfsStore(disk.root);
};
const STORES: [string, () => Store][] = [
  ["memory", memoryStore],
  ["a file system", () => opfsStore(fakeDisk().root)],
  ["a file system that cannot move files", unmovable],
];

describe.each(STORES)("the store contract: %s", (_, make) => {
  it.each(STORE_CHECKS)("$name", ({ run }) => run(make()));
});

/** Each breaks one promise. */
const BROKEN: [string, (store: Store) => Partial<Store>][] = [
  ["write adds to the end", (store) => ({ write: store.append })],
  ["write leaves the old end", (store) => ({ write: (path, bytes) => store.writeAt(path, 0, bytes) })],
  ["append replaces", (store) => ({ append: store.write })],
  ["append goes to the beginning", (store) => ({ append: (path, bytes) => store.writeAt(path, 0, bytes) })],
  ["writeAt ignores the position", (store) => ({ writeAt: (path, _, bytes) => store.writeAt(path, 0, bytes) })],
  ["remove does nothing", () => ({ remove: async () => {} })],
  ["list is not sorted", (store) => ({ list: async (folder) => (await store.list(folder)).reverse() })],
  [
    "read gives an empty file for none",
    (store) => ({ read: async (path) => (await store.read(path)) ?? new Uint8Array() }),
  ],
  ["usage is zero", () => ({ usage: async () => 0 })],
  ["names lose their case", (store) => ({ write: (path, bytes) => store.write(path.toLowerCase(), bytes) })],
];

describe("the contract notices a store where", () => {
  it.each(BROKEN)("%s", async (_, change) => {
    const outcomes = STORE_CHECKS.map(({ run }) => {
      const store = memoryStore();
      return run({ ...store, ...change(store) });
    });
    const failed = (await Promise.allSettled(outcomes)).filter(({ status }) => status === "rejected");
    expect(failed.length).toBeGreaterThan(0);
  });
});

const OLD = new Uint8Array(1000).fill(1);
const MEGABYTES = (count: number) => new Uint8Array(count * 2 ** 20).fill(2);

describe.each(["an error", "a short write"])("no room, told by %s", (how) => {
  const full = async () => {
    const disk = fakeDisk();
    disk.shortWrites = how === "a short write";
    const store = opfsStore(disk.root);
    await store.write("f", OLD);
    disk.quota = disk.used() + 20 * 2 ** 20;
    return { disk, store };
  };

  it("is an error that the page knows, says what to do, and leaves the old file and no remains", async () => {
    const { disk, store } = await full();
    const error = await store.write("f", MEGABYTES(30)).catch((reason) => reason);
    expect(isStorageFull(error)).toBe(true);
    expect(error).toMatchObject({ code: "storage-full", message: expect.stringContaining("room for 31.5 MB") });
    expect(error.hint).toContain("Delete kept models");
    expect(await store.read("f")).toEqual(OLD);
    expect([disk.used(), disk.open.size]).toEqual([1000, 0]);
    await store.write("f", MEGABYTES(5)); // the control: what fits is taken
  });

  it("leaves appended and patched files in their old length", async () => {
    const { store } = await full();
    await expect(store.append("f", MEGABYTES(30))).rejects.toSatisfy(isStorageFull);
    await expect(store.writeAt("f", 500, MEGABYTES(30))).rejects.toSatisfy(isStorageFull);
    expect((await store.open("f"))?.size).toBe(1000);
  });
});

it("memory has a limit too, and other errors are not taken for it", async () => {
  const store = memoryStore({ limit: 1500 });
  await store.write("f", OLD);
  await expect(store.write("g", OLD)).rejects.toSatisfy(isStorageFull);
  await store.write("f", new Uint8Array(1500));
  expect(isStorageFull(new Error("no"))).toBe(false);
  expect(isStorageFull(await store.write("", OLD).catch((error) => error))).toBe(false);
});

describe("a crash in the middle of a write", () => {
  it.each([0, 1, 2, 3])("after %d slices leaves the old file whole, and the next write works", async (slices) => {
    const disk = fakeDisk();
    const store = opfsStore(disk.root);
    await store.write("d/f", OLD);
    disk.slicesLeft = slices;
    const outcome = await store.write("d/f", MEGABYTES(20)).catch(() => "died");
    expect(outcome).toBe(slices < 3 ? "died" : undefined);
    const later = opfsStore(disk.root);
    expect((await later.read("d/f"))?.length).toBe(slices < 3 ? 1000 : 20 * 2 ** 20);
    disk.slicesLeft = Number.POSITIVE_INFINITY;
    await later.write("d/f", MEGABYTES(9));
    expect(await later.list("d")).toEqual([{ name: "f", kind: "file", size: 9 * 2 ** 20 }]);
  });

  it("without a way to move files, the length tells", async () => {
    const disk = fakeDisk();
    disk.canMove = false;
    disk.slicesLeft = 4; // three beside its place, one of the three in it
    await expect(opfsStore(disk.root).write("f", MEGABYTES(20))).rejects.toThrow();
    expect((await opfsStore(disk.root).read("f"))?.length).toBe(8 * 2 ** 20);
  });
});

describe("a file that another tab holds", () => {
  const held = async () => {
    const disk = fakeDisk();
    const store = opfsStore(disk.root, { lockTries: 5, lockWaitMs: 1 });
    await store.write("f", OLD);
    return { store, handle: await (await disk.root.getFileHandle("f")).createSyncAccessHandle(), disk };
  };

  it("is waited for", async () => {
    const { store, handle } = await held();
    const reading = store.read("f");
    const writing = store.write("f", MEGABYTES(1));
    handle.close();
    expect(await reading).toEqual(OLD);
    await writing;
  });

  it("is named when it does not come free", async () => {
    const { store, disk } = await held();
    const works = [store.read("f"), store.append("f", OLD), store.write("f", OLD), store.remove("f")];
    for (const work of await Promise.allSettled(works)) {
      expect(work).toMatchObject({ reason: { message: expect.stringMatching(/^f: .*another tab holds it/) } });
    }
    expect([...disk.open]).toEqual(["f"]);
  });
});
