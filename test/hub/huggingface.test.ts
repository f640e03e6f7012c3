import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ModelSource, readText } from "../../src/core/bytes.ts";
import { openCheckpoint } from "../../src/formats/checkpoint.ts";
import { writeSafetensors } from "../../src/formats/safetensors.ts";
import { memoryCache, type RangeCache } from "../../src/hub/cache.ts";
import { CHUNK_BYTES, type HubOptions, hubSource } from "../../src/hub/huggingface.ts";
import { COMMIT, type FakeHub, startHub } from "./server.ts";

const big = new Uint8Array(2 * CHUNK_BYTES + 1000).map((_, i) => (i * 31 + (i >> 16)) & 0xff);
const weights = writeSafetensors([{ name: "w", dtype: "U8", shape: [5], bytes: new Uint8Array([1, 2, 3, 4, 5]) }]);
const files = {
  "config.json": new TextEncoder().encode('{"model_type":"llama"}'),
  "model.safetensors": weights,
  "big.bin": big,
  "a folder/ü.txt": new TextEncoder().encode("found"),
  "empty.txt": new Uint8Array(0),
};

let hub: FakeHub;
beforeEach(async () => {
  hub = await startHub(files);
});
afterEach(() => hub.close());

const source = (options: HubOptions = {}): ModelSource =>
  hubSource("org/model", { endpoint: hub.endpoint, retryDelayMs: 1, ...options });
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;
const isFile = (url: string) => url.includes("/resolve/");

/** Answers the first `count` file requests with `status`, or by cutting the connection in the middle of the body. */
function failFirst(count: number, how: number | "cut") {
  let left = count;
  hub.intercept = (request, response) => {
    if (!isFile(request.url!) || left-- <= 0) return false;
    if (how === "cut") {
      response.writeHead(206, { "Content-Length": "1000" });
      response.write("some bytes", () => response.destroy());
    } else {
      response.writeHead(how).end();
    }
    return true;
  };
}

describe("reading", () => {
  it("lists, opens and reads by range, with one listing for all", async () => {
    const model = source();
    expect(await model.list()).toEqual(Object.keys(files).sort());
    const file = await model.open("big.bin");
    expect(file).toMatchObject({ name: "org/model/big.bin", size: big.length });
    expect(same(await file!.read(10, 20), big.subarray(10, 20))).toBe(true);
    expect(await model.open("absent.json")).toBeNull();
    expect(await readText(model, "a folder/ü.txt")).toBe("found");
    expect(await readText(model, "empty.txt")).toBe("");
    expect(hub.log.filter(({ url }) => !isFile(url))).toHaveLength(1);
    expect(hub.log[1]).toMatchObject({ url: `/org/model/resolve/${COMMIT}/big.bin`, range: "bytes=10-19" });
  });

  it("a checkpoint opens through it", async () => {
    const checkpoint = await openCheckpoint(source());
    expect([...(await checkpoint.readRange("w", 1, 3))]).toEqual([2, 3]);
  });

  it("large reads are cut into chunks and put together", async () => {
    const file = (await source().open("big.bin"))!;
    expect(same(await file.read(5, big.length), big.subarray(5))).toBe(true);
    expect(hub.log.filter(({ url }) => isFile(url))).toHaveLength(3);
  });

  it("sends the token, and no Authorization without one", async () => {
    await source().list();
    await source({ token: "hf_x" }).list();
    expect(hub.log.map(({ authorization }) => authorization)).toEqual([undefined, "Bearer hf_x"]);
  });

  it("takes a whole file where the server ignores Range", async () => {
    hub.intercept = (request, response) => {
      if (isFile(request.url!)) response.end(big);
      return isFile(request.url!);
    };
    const file = (await source().open("big.bin"))!;
    expect(same(await file.read(100, 200), big.subarray(100, 200))).toBe(true);
  });

  it("refuses ranges outside the file before asking", async () => {
    const file = (await source().open("config.json"))!;
    await expect(file.read(0, 999)).rejects.toThrow("org/model/config.json: cannot read bytes 0 to 999");
    expect(hub.log.filter(({ url }) => isFile(url))).toHaveLength(0);
  });
});

describe("a flaky line", () => {
  it.each(["cut", 500, 503] as const)("two answers of %s, then the file", async (how) => {
    failFirst(2, how);
    expect(await readText(source(), "config.json")).toBe('{"model_type":"llama"}');
    expect(hub.log.filter(({ url }) => isFile(url))).toHaveLength(3);
  });

  it("gives up after the last try and says so", async () => {
    failFirst(99, 503);
    await expect(readText(source({ attempts: 3 }), "config.json")).rejects.toMatchObject({
      kind: "model",
      message: expect.stringMatching(
        /^org\/model\/config\.json: expected an answer from 127.* none in 3 tries \(status 503\)/,
      ),
    });
  });

  it("offline: nobody listens", async () => {
    const { endpoint } = hub;
    await hub.close();
    await expect(hubSource("org/model", { endpoint, attempts: 2, retryDelayMs: 1 }).list()).rejects.toMatchObject({
      message: expect.stringContaining("got none in 2 tries"),
      hint: expect.stringContaining("Check the connection"),
    });
    hub = await startHub(files);
  });

  it("stops waiting when it is aborted", async () => {
    failFirst(99, 503);
    const abort = new AbortController();
    const reading = readText(source({ signal: abort.signal, retryDelayMs: 1e6 }), "config.json");
    setTimeout(() => abort.abort(new Error("stopped")), 50);
    await expect(reading).rejects.toThrow("stopped");
  });
});

describe("refusals are explained, and not repeated", () => {
  it.each([
    [401, undefined, "private or gated: then pass a read token"],
    [401, "hf_x", "The token was not accepted"],
    [403, "hf_x", "accept its terms"],
    [404, undefined, "no such model, revision or file"],
    [429, undefined, "Too many requests"],
  ])("status %d, token %s", async (status, token, hint) => {
    hub.intercept = (_, response) => {
      response.writeHead(status).end();
      return true;
    };
    await expect(source(token === undefined ? {} : { token }).list()).rejects.toMatchObject({
      kind: "model",
      message: `org/model: expected the file, got status ${status}`,
      hint: expect.stringContaining(hint),
    });
    expect(hub.log).toHaveLength(1);
  });

  it("an unknown revision, then a known one: a failed listing is not remembered", async () => {
    await expect(source({ revision: "v9" }).list()).rejects.toThrow("status 404");
    const model = source();
    hub.intercept = (_, response) => {
      response.writeHead(401).end();
      return true;
    };
    await expect(model.list()).rejects.toThrow("status 401");
    hub.intercept = () => false;
    expect(await model.list()).toHaveLength(5);
  });

  it("an answer that is no listing", async () => {
    for (const body of ["<html>Log in to the hotel network</html>", '{"siblings":[]}']) {
      hub.intercept = (_, response) => {
        response.end(body);
        return true;
      };
      await expect(source().list()).rejects.toThrow(/org\/model: (file list: expected JSON|expected a file list)/);
    }
  });

  it.each(["", "a b/c", "../x", "org/model/extra", "https://huggingface.co/org/model"])('the id "%s"', (id) => {
    expect(() => hubSource(id)).toThrow('expected "org/name"');
  });
});

describe("with a cache", () => {
  const requests = () => hub.log.filter(({ url }) => isFile(url)).length;

  it("fetches each chunk once, also for parallel readers and later sources", async () => {
    const cache = memoryCache();
    const file = (await source({ cache }).open("big.bin"))!;
    const cuts = [
      [0, 10],
      [CHUNK_BYTES - 5, CHUNK_BYTES + 5],
      [CHUNK_BYTES, big.length],
      [0, big.length],
    ] as const;
    const parts = await Promise.all(cuts.map(([begin, end]) => file.read(begin, end)));
    for (const [i, [begin, end]] of cuts.entries()) expect(same(parts[i]!, big.subarray(begin, end))).toBe(true);
    expect(requests()).toBe(3);
    const again = (await source({ cache }).open("big.bin"))!;
    expect(same(await again.read(0, big.length), big)).toBe(true);
    expect(requests()).toBe(3);
  });

  it("goes on where a broken download stopped", async () => {
    const cache = memoryCache();
    let served = 0;
    hub.intercept = (request, response) => {
      if (!isFile(request.url!) || served++ === 0) return false;
      response.destroy();
      return true;
    };
    const file = (await source({ cache, attempts: 1 }).open("big.bin"))!;
    await file.read(0, 10);
    await expect(file.read(0, 2 * CHUNK_BYTES)).rejects.toThrow("expected an answer");
    hub.intercept = () => false;
    hub.log.length = 0;
    expect(same(await file.read(0, big.length), big)).toBe(true);
    expect(requests()).toBe(2);
  });

  it("works without a network once everything is there", async () => {
    const cache = memoryCache();
    await readText(source({ cache }), "config.json");
    hub.intercept = (_, response) => {
      response.destroy();
      return true;
    };
    expect(await readText(source({ cache, attempts: 1 }), "config.json")).toContain("llama");
    await expect(source({ attempts: 1 }).list()).rejects.toThrow("expected an answer");
  });

  it("asks nobody for a commit it has listed before, and asks for a branch again, which may have moved", async () => {
    const cache = memoryCache();
    await source({ cache }).list();
    const asked = hub.log.length;
    expect(await source({ cache, revision: COMMIT }).list()).toContain("config.json");
    expect(hub.log.length).toBe(asked);
    await source({ cache }).list();
    expect(hub.log.length).toBe(asked + 1);
  });

  it("fetches again what the cache holds in the wrong length, and survives one that cannot store", async () => {
    const broken: RangeCache = {
      get: async (key) => (key.endsWith("config.json") ? new Uint8Array(3) : null),
      put: async () => {
        throw new Error("disk full");
      },
    };
    expect(await readText(source({ cache: broken }), "config.json")).toContain("llama");
    expect(requests()).toBe(1);
  });
});
