import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultCacheFolder, diskCache } from "../../../src/cli/node/disk-cache.ts";
import { memoryCache, type RangeCache } from "../../../src/hub/cache.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "lorikeet-cache-"));
});
afterEach(() => rm(root, { recursive: true }));

const caches: [string, () => RangeCache][] = [
  ["memory", memoryCache],
  ["disk", () => diskCache(path.join(root, "cache"))],
];

describe.each(caches)("RangeCache contract: %s", (_, make) => {
  it("gives back what was stored, by key and index, and null otherwise", async () => {
    const cache = make();
    expect(await cache.get("org/m@c/f", 0)).toBeNull();
    await cache.put("org/m@c/f", 0, new Uint8Array([1, 2]));
    await cache.put("org/m@c/f", 1, new Uint8Array([3]));
    expect(await cache.get("org/m@c/f", 0)).toEqual(new Uint8Array([1, 2]));
    expect(await cache.get("org/m@c/f", 1)).toEqual(new Uint8Array([3]));
    expect(await cache.get("org/m@c/f", 2)).toBeNull();
    expect(await cache.get("org/m@other/f", 0)).toBeNull();
  });

  it("stores a copy", async () => {
    const cache = make();
    const bytes = new Uint8Array([1]);
    await cache.put("k", 0, bytes);
    bytes[0] = 9;
    expect(await cache.get("k", 0)).toEqual(new Uint8Array([1]));
  });

  it("takes parallel writers of one chunk", async () => {
    const cache = make();
    await Promise.all(Array.from({ length: 20 }, () => cache.put("k", 0, new Uint8Array(1000).fill(7))));
    expect(await cache.get("k", 0)).toEqual(new Uint8Array(1000).fill(7));
  });
});

describe("diskCache", () => {
  it("survives the process and leaves no partial files", async () => {
    await diskCache(root).put("org/m@c/a b.json", 3, new Uint8Array([5]));
    expect(await diskCache(root).get("org/m@c/a b.json", 3)).toEqual(new Uint8Array([5]));
    expect(await readdir(path.join(root, "org", "m%40c", "a%20b.json"))).toEqual(["3.chunk"]);
  });

  it("no key leads out of the folder", async () => {
    const inner = path.join(root, "inner");
    await diskCache(inner).put("../../../x", 0, new Uint8Array([1]));
    expect(await readdir(root)).toEqual(["inner"]);
  });

  it("reports a folder it cannot write", async () => {
    await writeFile(path.join(root, "file"), "");
    await expect(diskCache(path.join(root, "file")).put("k", 0, new Uint8Array(1))).rejects.toThrow();
    expect(await diskCache(path.join(root, "file")).get("k", 0)).toBeNull();
  });

  it("stands where the environment says", () => {
    expect(defaultCacheFolder({ LORIKEET_CACHE: "/x" })).toBe("/x");
    expect(defaultCacheFolder({ XDG_CACHE_HOME: "/y" })).toBe(path.join("/y", "lorikeet"));
    expect(defaultCacheFolder({})).toMatch(/\.cache.lorikeet$/);
  });
});
