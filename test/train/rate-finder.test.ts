/** The sweep on a tiny model: it ends where it should, leaves nothing behind, and its suggestion holds in a real run. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Example } from "../../src/data/encode.ts";
import {
  findRate,
  keepOut,
  MAX_SWEEP,
  type RateFinderRequest,
  type SweepEndEvent,
  type SweepEvent,
  type SweepPointEvent,
  sweepRange,
} from "../../src/train/rate-finder.ts";
import type { TrainingSession } from "../../src/train/session.ts";
import { configOf, fixtureAdapter, goldenExamples, losses, mainExamples, openSession, runOf } from "./support.ts";

let session: TrainingSession;
let train: Example[];
beforeAll(async () => {
  session = await openSession();
  train = await goldenExamples();
});

async function sweep(request: Partial<RateFinderRequest> = {}, watch: (event: SweepEvent) => void = () => {}) {
  const events: SweepEvent[] = [];
  for await (const event of findRate(session, { config: configOf(), train, ...request })) {
    events.push(event);
    watch(event);
  }
  const points = events.filter((event): event is SweepPointEvent => event.type === "sweep-point");
  return { events, points, end: events.at(-1) as SweepEndEvent };
}

/** Live bytes and answers before and after; the rope table is long enough from the first call on. */
async function unchanged(action: () => Promise<unknown>) {
  const before = await session.logits(train[0]!.ids);
  const live = session.device.memory.live;
  await action();
  expect(session.device.memory.live).toBe(live);
  expect(await session.logits(train[0]!.ids)).toEqual(before);
}

describe("a sweep", () => {
  it("makes its updates at rates that grow by equal factors, and measures after each", async () => {
    const { events, points, end } = await sweep({ from: 1e-4, to: 1e-2, updates: 11 });
    const valid = events[0]!;
    expect(valid).toMatchObject({ type: "sweep-start", from: 1e-4, to: 1e-2, updates: 11 });
    expect(points.map(({ update }) => update)).toEqual(Array.from({ length: 11 }, (_, i) => i + 1));
    for (const [i, { rate }] of points.entries()) expect(rate / (1e-4 * 10 ** (i / 5))).toBeCloseTo(1, 9);
    expect(end).toMatchObject({ type: "sweep-end", updates: 11, stopped: false });
    expect(points.at(-1)!.loss).toBeLessThan(points[0]!.loss);
  });

  it.each([
    ["both ends alike", { from: 1e-3, to: 1e-3 }],
    ["the lowest rate above the highest there is", { from: 0.6 }],
    ["the highest rate below the lowest there is", { to: 1e-7 }],
  ])("refuses a range that does not go up: %s", async (_, range) => {
    const live = session.device.memory.live;
    await expect(sweep(range)).rejects.toMatchObject({
      kind: "config",
      message: expect.stringMatching(/^learning rates of the sweep: expected lowest below highest, got [\d.e-]+ and /),
    });
    expect(session.device.memory.live).toBe(live);
  });

  it("has at most 60 updates, whatever is asked", async () => {
    const { points } = await sweep({ updates: 500, from: 1e-9, to: 1e-8, config: configOf({ batchSize: 1 }) });
    expect(points.length).toBe(MAX_SWEEP);
  });

  it("ends where the loss blows up, and names a rate far below that", async () => {
    const { points, end } = await sweep();
    const { suggestion } = end;
    expect(points.length).toBeLessThan(MAX_SWEEP);
    expect(suggestion.divergedAt).toBe(points.at(-1)!.rate);
    expect(suggestion.rate!).toBeLessThan(suggestion.divergedAt! / 4);
  });

  it("says that nothing can be read where every rate is too high, and where every one is too low", async () => {
    const high = (await sweep({ from: 0.5, to: 0.9, updates: 12 })).end.suggestion;
    expect(high.rate).toBeNull();
    expect(high.reason).toMatch(/begin the sweep/);
    const low = (await sweep({ from: 1e-9, to: 1e-8, updates: 12 })).end.suggestion;
    expect(low.rate).toBeNull();
    expect(low.reason).toMatch(/^flat/);
  });

  it("is a function of the seed", async () => {
    const lossesOf = async (seed: number) =>
      (await sweep({ updates: 10, config: configOf({ seed, shuffle: true }) })).points.map(({ loss }) => loss);
    const first = await lossesOf(1);
    expect(await lossesOf(1)).toEqual(first);
    expect(await lossesOf(2)).not.toEqual(first);
  });

  it("says on how many examples it measures", async () => {
    const measured = async (request: Partial<RateFinderRequest>) => (await sweep({ updates: 1, ...request })).events[0];
    expect(await measured({ valid: await mainExamples() })).toMatchObject({ measured: { examples: 2 } });
    expect(await measured({})).toMatchObject({ measured: { examples: 8 } });
    expect(await measured({ train: train.slice(0, 1) })).toMatchObject({ measured: { examples: 1 } });
  });
});

describe("what the loss is measured on", () => {
  const some = (count: number): Example[] => Array.from({ length: count }, (_, line) => ({ ...train[0]!, line }));
  const linesOf = (examples: readonly Example[]) => examples.map(({ line }) => line).sort((a, b) => a - b);
  const kept = (count: number, valid = 0) => {
    const split = keepOut({ train: some(count), valid: some(valid), config: configOf({ seed: 3 }) });
    return { train: linesOf(split.train), measured: linesOf(split.measured) };
  };

  it("is kept out of the updates where at least twice as many are left for these", () => {
    for (const count of [24, 25, 100]) {
      const { train, measured } = kept(count);
      expect(measured.length).toBe(8);
      expect([...train, ...measured].sort((a, b) => a - b)).toEqual(linesOf(some(count)));
      // Drawn, not the first of the file.
      expect(measured).not.toEqual(linesOf(some(8)));
    }
  });

  it("is some of the examples that are trained on where these are few", () => {
    for (const count of [1, 7, 8, 23]) {
      const { train, measured } = kept(count);
      expect(train).toEqual(linesOf(some(count)));
      expect(measured.length).toBe(Math.min(8, count));
      expect(new Set(measured).size).toBe(measured.length);
    }
  });

  it("is of the validation set where there is one, and all others are trained on", () => {
    const { train, measured } = kept(100, 50);
    expect(train).toEqual(linesOf(some(100)));
    expect([measured.length, new Set(measured).size]).toEqual([8, 8]);
    expect(kept(100, 2).measured).toEqual([0, 1]);
  });
});

describe("the model after a sweep", () => {
  it.each(["without", "with"])("is as before, %s an adapter on it", async (how) => {
    if (how === "with") session.setAdapter(await fixtureAdapter("random"));
    await unchanged(() => sweep({ updates: 4, from: 1e-3, to: 1e-2 }));
    session.removeAdapter();
  });

  it("is as before when it was stopped, and the curve so far is read", async () => {
    const stop = new AbortController();
    await unchanged(async () => {
      const { points, end } = await sweep({ signal: stop.signal }, ({ type }) => {
        if (type === "sweep-point") stop.abort();
      });
      expect(points.length).toBe(1);
      expect(end).toMatchObject({ stopped: true, updates: 1, suggestion: { rate: null } });
    });
  });

  it("is as before when nobody listens any more, and when a target matches nothing", async () => {
    await unchanged(async () => {
      for await (const { type } of findRate(session, { config: configOf(), train })) if (type === "sweep-point") break;
    });
    session.setAdapter(await fixtureAdapter("random"));
    await unchanged(async () => {
      const config = configOf({ targetModules: ["nothing_proj"] });
      await expect(sweep({ config })).rejects.toThrow(/nothing_proj matches no linear layer/);
    });
    session.removeAdapter();
  });
});

it("the suggestion trains better than a tenth of it, and than ten times it", async () => {
  const { suggestion } = (await sweep({ valid: train })).end;
  const rate = suggestion.rate!;
  const last = async (learningRate: number) => {
    const run = await runOf(session, { config: configOf({ learningRate, steps: 20, warmup: 2 }), train });
    session.removeAdapter();
    return losses(run)
      .slice(-4)
      .reduce((sum, loss) => sum + loss / 4, 0);
  };
  const [lower, own, higher] = [await last(rate / 10), await last(rate), await last(10 * rate)];
  expect(own).toBeLessThan(lower);
  expect(own).toBeLessThan(higher);
});

it("the range is centred on the rate for the model's size and moves with the adapter's scale", () => {
  const usual = sweepRange(1e9, { rank: 8, alpha: 16, useRslora: false });
  expect(Math.sqrt(usual.from * usual.to)).toBeCloseTo(1e-4, 9);
  const strong = sweepRange(1e9, { rank: 8, alpha: 160, useRslora: false });
  expect(strong.to / usual.to).toBeCloseTo(0.1, 9);
  expect(strong.from / usual.from).toBeCloseTo(0.1, 9);
  expect(sweepRange(1e6, { rank: 32, alpha: 1, useRslora: false }).to).toBeLessThan(1);
});
