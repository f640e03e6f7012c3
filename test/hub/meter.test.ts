import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memoryCache } from "../../src/hub/cache.ts";
import { CHUNK_BYTES, hubSource } from "../../src/hub/huggingface.ts";
import { downloadMeter } from "../../src/hub/meter.ts";
import { type FakeHub, startHub } from "./server.ts";

/** A meter on a clock that only moves by hand. */
function clocked() {
  let time = 1e6;
  const meter = downloadMeter({ now: () => time });
  return {
    meter,
    wait(ms: number) {
      time += ms;
    },
    /** `rate` bytes per second for so long, in pieces every 50 ms. */
    stream(ms: number, rate: number) {
      for (let done = 0; done < ms; done += 50) {
        time += 50;
        meter.received(rate / 20);
      }
    },
  };
}

describe("speed", () => {
  it("is unknown at first, then what comes over the network", () => {
    const { meter, stream } = clocked();
    const end = meter.begin();
    stream(900, 1e6);
    expect(meter.reading()).toMatchObject({ bytesPerSecond: null, secondsLeft: null, active: true });
    stream(2100, 1e6);
    expect(meter.reading().bytesPerSecond).toBeCloseTo(1e6, -4);
    expect(meter.reading().received).toBe(3e6);
    end();
    expect(meter.reading().active).toBe(false);
  });

  it("follows a change within five seconds, smoothly", () => {
    const { meter, stream } = clocked();
    meter.begin();
    stream(20_000, 1e6);
    stream(2500, 3e6);
    expect(meter.reading().bytesPerSecond).toBeCloseTo(2e6, -5);
    stream(2600, 3e6);
    expect(meter.reading().bytesPerSecond).toBeCloseTo(3e6, -4);
  });

  it("falls to zero when nothing comes, and that is no time left", () => {
    const { meter, stream, wait } = clocked();
    meter.begin();
    stream(10_000, 1e6);
    wait(6000);
    expect(meter.reading(1e6)).toMatchObject({ bytesPerSecond: 0, secondsLeft: null });
  });

  it("does not count the time without transfers, nor a pause", () => {
    const { meter, stream, wait } = clocked();
    const end = meter.begin();
    stream(10_000, 1e6);
    end();
    end(); // twice is once
    wait(60_000); // reading from disk, uploading to the GPU
    expect(meter.reading().bytesPerSecond).toBeCloseTo(1e6, -4);
    meter.begin();
    stream(2000, 1e6);
    meter.pause();
    wait(60_000);
    meter.resume();
    stream(1000, 1e6);
    expect(meter.reading().bytesPerSecond).toBeCloseTo(1e6, -4);
    expect(meter.reading().received).toBe(13e6);
  });
});

describe("time left", () => {
  it("is told when the speed is steady", () => {
    const { meter, stream } = clocked();
    meter.begin();
    stream(4000, 2e6);
    expect(meter.reading(50e6).secondsLeft).toBeNull(); // too early
    stream(2000, 2e6);
    expect(meter.reading(50e6).secondsLeft).toBeCloseTo(25, 0);
  });

  it("is not told while the speed changes or downloads rest, and again after that", () => {
    const { meter, stream } = clocked();
    meter.begin();
    stream(10_000, 2e6);
    stream(2500, 0.5e6);
    expect(meter.reading(50e6).secondsLeft).toBeNull();
    stream(5000, 0.5e6);
    expect(meter.reading(50e6).secondsLeft).toBeCloseTo(100, -1);
    meter.pause();
    expect(meter.reading(50e6)).toMatchObject({ secondsLeft: null, paused: true });
  });
});

describe("pause", () => {
  it("holds whoever is about to go on, until resumed or aborted", async () => {
    const { meter } = clocked();
    await meter.ready();
    meter.pause();
    const order: string[] = [];
    const abort = new AbortController();
    const held = meter.ready().then(() => order.push("went on"));
    const aborted = meter.ready(abort.signal).catch(() => order.push("aborted"));
    abort.abort();
    await aborted;
    expect(order).toEqual(["aborted"]);
    meter.resume();
    meter.pause(); // before the held one has run
    await new Promise((resolve) => setTimeout(resolve));
    expect(order).toEqual(["aborted"]);
    meter.resume();
    await held;
    expect(order).toEqual(["aborted", "went on"]);
    await expect(meter.ready(abort.signal)).rejects.toThrow();
  });
});

describe("a real download", () => {
  const big = new Uint8Array(5 * CHUNK_BYTES).map((_, i) => (i * 31 + (i >> 16)) & 0xff);
  let hub: FakeHub;
  beforeEach(async () => {
    hub = await startHub({ "big.bin": big });
  });
  afterEach(() => hub.close());

  it("rests in the middle of its bodies and goes on without asking for anything again", async () => {
    const meter = downloadMeter();
    let pauses = 0;
    const received = (bytes: number) => {
      meter.received(bytes);
      if (meter.reading().received > CHUNK_BYTES && pauses++ === 0) meter.pause();
    };
    const listening = { ...meter, received };
    const options = { endpoint: hub.endpoint, meter: listening, stallMs: 200, attempts: 1, cache: memoryCache() };
    const file = (await hubSource("org/model", options).open("big.bin"))!;
    let done = false;
    const reading = file.read(0, big.length).finally(() => {
      done = true;
    });
    await expect.poll(() => meter.reading().paused).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 100)); // pieces read before the pause arrive
    const before = meter.reading().received;
    await new Promise((resolve) => setTimeout(resolve, 600)); // longer than a stall may be
    expect([done, meter.reading().received]).toEqual([false, before]);
    expect(before).toBeLessThan(big.length);
    meter.resume();
    expect(Buffer.compare(await reading, big)).toBe(0);
    expect(hub.log.filter(({ url }) => url.includes("/resolve/"))).toHaveLength(5);
    expect(meter.reading()).toMatchObject({ active: false, paused: false });
    const fromNetwork = meter.reading().received;
    expect(fromNetwork).toBeGreaterThan(big.length); // and the listing
    await file.read(0, 2 * CHUNK_BYTES);
    expect(meter.reading().received).toBe(fromNetwork); // what is kept does not count
  });
});
