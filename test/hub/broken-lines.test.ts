/** Downloads over a line that is cut, stalls or brings garbage, from a real server on localhost. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { memoryCache, type RangeCache } from "../../src/hub/cache.ts";
import { NoAnswerError } from "../../src/hub/http.ts";
import { CHUNK_BYTES, type HubOptions, hubSource } from "../../src/hub/huggingface.ts";
import { storageFullError } from "../../src/worker/storage/store.ts";
import { type FakeHub, startHub } from "./server.ts";

const big = new Uint8Array(3 * CHUNK_BYTES).map((_, i) => (i * 31 + (i >> 16)) & 0xff);
const MIB = 2 ** 20;

let hub: FakeHub;
beforeEach(async () => {
  hub = await startHub({ "big.bin": big });
});
afterEach(() => hub.close());

const openBig = async (options: HubOptions = {}) =>
  (await hubSource("org/model", { endpoint: hub.endpoint, retryDelayMs: 1, ...options }).open("big.bin"))!;
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
const ranges = () => hub.log.filter(({ url }) => url.includes("/resolve/")).map(({ range }) => range!);
const beginnings = () => ranges().map((range) => Number(/\d+/.exec(range)));

describe("a connection cut in the middle of the body", () => {
  it("goes on at the byte where it broke", async () => {
    hub.faults.push({ after: 3 * MIB, how: "cut" }, { after: 2 * MIB, how: "cut" });
    const file = await openBig();
    expect(same(await file.read(0, CHUNK_BYTES), big.subarray(0, CHUNK_BYTES))).toBe(true);
    expect(ranges()).toHaveLength(3);
    // The last bytes before a cut may be lost with the connection, but not the first ones.
    const [first, second, third] = beginnings();
    expect(first).toBe(0);
    expect(second).toBeGreaterThan(0);
    expect(third).toBeGreaterThan(second!);
    expect(ranges().every((range) => range.endsWith(`-${CHUNK_BYTES - 1}`))).toBe(true);
  });

  it("does not end a download that moves, however often", async () => {
    hub.faults.push(...Array.from({ length: 12 }, () => ({ after: MIB, how: "cut" }) as const));
    const file = await openBig({ attempts: 3 });
    expect(same(await file.read(0, CHUNK_BYTES), big.subarray(0, CHUNK_BYTES))).toBe(true);
    expect(ranges().length).toBeGreaterThan(6);
  });

  it("ends it after the tries that brought next to nothing, and keeps the chunks that came", async () => {
    const cache = memoryCache();
    const file = await openBig({ cache, attempts: 3 });
    await file.read(0, 10);
    hub.faults.push(...Array.from({ length: 99 }, () => ({ after: 100, how: "cut" }) as const));
    const error = await file.read(CHUNK_BYTES, CHUNK_BYTES + 1).catch((reason) => reason);
    expect(error).toBeInstanceOf(NoAnswerError);
    expect(error).toMatchObject({ code: "offline", message: expect.stringContaining("none in 3 tries") });
    expect(error.hint).toContain("what has arrived is kept");
    expect(ranges()).toHaveLength(1 + 3);
    hub.faults.length = 0;
    hub.log.length = 0;
    expect(same(await (await openBig({ cache })).read(0, big.length), big)).toBe(true);
    expect(beginnings()).not.toContain(0);
  });

  it("trusts nothing of an answer that promises another length", async () => {
    let answers = 0;
    hub.intercept = (request, response) => {
      if (!request.url!.includes("/resolve/") || answers++ > 0) return false;
      response.writeHead(206, { "Content-Length": MIB });
      response.write(Buffer.alloc(MIB / 2), () => response.destroy());
      return true;
    };
    const file = await openBig();
    expect(same(await file.read(0, 2 * MIB), big.subarray(0, 2 * MIB))).toBe(true);
    expect(beginnings()).toEqual([0, 0]);
  });
});

describe("a connection that brings nothing more", () => {
  it("counts as broken after a while, and is tried again where it stopped", async () => {
    hub.faults.push({ after: 3 * MIB, how: "stall" });
    const file = await openBig({ stallMs: 300, attempts: 30 });
    expect(same(await file.read(0, CHUNK_BYTES), big.subarray(0, CHUNK_BYTES))).toBe(true);
    expect(beginnings()[1]).toBeGreaterThan(0);
  });

  it("also before the first byte, and is named in the end", async () => {
    hub.intercept = () => true; // never answers
    const source = hubSource("org/model", { endpoint: hub.endpoint, stallMs: 50, attempts: 2, retryDelayMs: 1 });
    await expect(source.list()).rejects.toThrow("none in 2 tries (no byte for 0.05 s)");
  });

  it("ends at once when it is aborted", async () => {
    hub.faults.push({ after: MIB, how: "stall" });
    const abort = new AbortController();
    const reading = (await openBig({ signal: abort.signal })).read(0, CHUNK_BYTES);
    const stopped = expect(reading).rejects.toThrow("stopped");
    await vi.waitFor(() => expect(ranges()).toHaveLength(1), { timeout: 60_000 });
    abort.abort(new Error("stopped"));
    await stopped;
    expect(ranges()).toHaveLength(1);
  });
});

describe("a cache that cannot store", () => {
  const failing = (error: unknown): { cache: RangeCache; puts: () => number } => {
    let puts = 0;
    const put = async () => {
      puts++;
      throw error;
    };
    return { cache: { get: async () => null, put }, puts: () => puts };
  };

  it("that is full is told once and not asked again; the download goes on", async () => {
    const told: unknown[] = [];
    const full = storageFullError("f", 1);
    const { cache, puts } = failing(full);
    const file = await openBig({ cache, onCacheFailure: (error) => told.push(error) });
    expect(same(await file.read(0, big.length), big)).toBe(true);
    expect(same(await file.read(0, big.length), big)).toBe(true);
    expect(told).toEqual([full]);
    expect(puts()).toBe(1); // the listing
  });

  it("for another reason is told once, and asked again: it may pass", async () => {
    const told: unknown[] = [];
    const { cache, puts } = failing(new Error("another tab holds it"));
    const file = await openBig({ cache, onCacheFailure: (error) => told.push(error) });
    await file.read(0, big.length);
    expect(told).toHaveLength(1);
    expect(puts()).toBe(5); // the listing under two names, and three chunks
  });

  it("fetches each byte once for who reads from front to back, in pieces of any size", async () => {
    const { cache } = failing(storageFullError("f", 1));
    const file = await openBig({ cache });
    for (let at = 0; at < big.length; ) {
      const end = Math.min(big.length, at + 1 + ((at * 7919) % (11 * MIB)));
      expect(same(await file.read(at, end), big.subarray(at, end))).toBe(true);
      at = end;
    }
    expect(hub.sent).toBe(big.length);
    // The control: backwards, everything comes more than once.
    for (let end = big.length; end > 0; end -= 5 * MIB) await file.read(Math.max(0, end - 5 * MIB), end);
    expect(hub.sent).toBeGreaterThan(2.2 * big.length);
  });
});
