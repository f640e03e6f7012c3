/** Runs that diverge are put back, with half the rate; runs that do not are left alone; both the same on every rerun. */
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import type { Example } from "../../src/data/encode.ts";
import type { HealthEvent } from "../../src/train/events.ts";
import { Guard } from "../../src/train/guard.ts";
import { TrainingSession } from "../../src/train/session.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder } from "../support/golden.ts";
import { type Fault, hurries, plantedDevice } from "../support/planted.ts";
import { configOf, digest, goldenExamples, losses, mainExamples, openSession, type Run, runOf } from "./support.ts";

/** Learns eight examples by heart, so that a few steps far too large are a fall from a height. */
const KNOBS = { learningRate: 1e-2, steps: 44 } as const;
const ONSET = 20;
const BURST = hurries(200, ONSET, ONSET + 1);

/** Counts its updates from the start of each session. */
async function sessionWith(fault: Fault): Promise<TrainingSession> {
  const session = new TrainingSession(plantedDevice(await testDevice(), fault));
  await session.load(fixtureFolder("llama"));
  return session;
}

let session: TrainingSession;
let train: Example[];
let valid: Example[];
beforeAll(async () => {
  session = await openSession();
  train = await goldenExamples();
  valid = await mainExamples();
});

const rollbacksOf = ({ events }: Run): HealthEvent[] =>
  events.flatMap((event) => (event.type === "health" && event.rollback ? [event] : []));

describe("a run that diverges", () => {
  let once: Run;
  beforeAll(async () => {
    once = await runOf(await sessionWith(BURST), { config: configOf({ ...KNOBS, saveEvery: 1 }), train });
  });

  it("is put back within ten updates of the onset, with half the rate, and ends below where it stood", async () => {
    const [event, ...more] = rollbacksOf(once);
    expect(more).toEqual([]);
    const { rollback, step, text, level } = event!;
    expect(level).toBe("warn");
    expect(rollback!.skippedUpdate).toBeGreaterThan(ONSET);
    expect(rollback!.skippedUpdate).toBeLessThanOrEqual(ONSET + 3);
    expect(step - rollback!.skippedUpdate).toBeLessThanOrEqual(10);
    expect(rollback!.toStep).toBe(16);
    expect(text).toMatch(/put back to update 16; .*halved to a peak of 0\.005\.$/);
    const rates = once.steps.map(({ learningRate }) => learningRate);
    expect(new Set(rates.slice(0, step))).toEqual(new Set([1e-2]));
    expect(new Set(rates.slice(step))).toEqual(new Set([5e-3]));
    expect(once.done).toMatchObject({ rollbacks: 1, endedEarly: null });
    const heights = losses(once);
    expect(Math.max(...heights.slice(ONSET, step))).toBeGreaterThan(heights[0]!);
    expect(heights.at(-1)!).toBeLessThan(heights[ONSET - 1]!);
  });

  it("goes on from the very state it is put back to", async () => {
    const [event] = rollbacksOf(once);
    const good = once.saves.find(({ step }) => step === 16)!;
    const after = once.saves.find(({ step }) => step === event!.step + 1)!;
    // One step of half the rate away from the good state, while the state before was far from it.
    const largest = (a: typeof good, b: typeof good) =>
      Math.max(
        ...a.adapter.factors.flatMap(({ B }, i) =>
          B.map((x, k) => Math.abs(x - b.adapter.factors[i]!.B[k]!)).reduce((m, x) => Math.max(m, x), 0),
        ),
      );
    expect(largest(after, good)).toBeLessThan(0.01);
    expect(largest(once.saves.find(({ step }) => step === ONSET + 2)!, good)).toBeGreaterThan(1);
  });

  it("is left to its fate without the guard", async () => {
    const run = await runOf(await sessionWith(BURST), {
      config: configOf({ ...KNOBS, steps: 30, guard: false }),
      train,
    });
    expect([run.done.rollbacks, rollbacksOf(run)]).toEqual([0, []]);
    expect(losses(run).at(-1)!).toBeGreaterThan(losses(run)[ONSET - 1]!);
  });

  it("goes the same way when it is paused in between", async () => {
    const paused = await sessionWith(BURST);
    const run = await runOf(paused, { config: configOf({ ...KNOBS, saveEvery: 1 }), train }, (event) => {
      if (event.type !== "step" || event.step !== ONSET + 2) return;
      paused.pause();
      setTimeout(() => paused.resume(), 50);
    });
    expect(losses(run)).toEqual(losses(once));
    expect(rollbacksOf(run)).toEqual(rollbacksOf(once));
    expect(digest(run.done.adapter)).toBe(digest(once.done.adapter));
  });

  it("ends after the third rollback, with a state from before", async () => {
    const restless = await sessionWith(hurries(200, ONSET, 1000));
    const run = await runOf(restless, { config: configOf({ ...KNOBS, steps: 200 }), train });
    const back = rollbacksOf(run);
    expect(back.map(({ rollback }) => rollback!.rateFactor)).toEqual([0.5, 0.25, 0.125, 0.0625]);
    expect(back.at(-1)).toMatchObject({
      kind: "gave-up",
      level: "bad",
      fix: expect.stringMatching(/learning rate of/),
    });
    expect(run.done).toMatchObject({ endedEarly: "gave-up", rollbacks: 4 });
    expect(run.steps.length).toBeLessThan(150);
    const evaluated = await restless.evaluate(train, 2);
    expect(evaluated.loss).toBeLessThan(losses(run)[0]!);
  });

  it("goes on from a checkpoint after a rollback with what the guard had seen and done", async () => {
    const [event] = rollbacksOf(once);
    const from = event!.step + 1;
    const { checkpoint } = once.saves.find(({ step }) => step === from)!;
    const rest = await runOf(await sessionWith(() => {}), {
      config: configOf(KNOBS),
      train,
      checkpoint: { name: "checkpoint", bytes: checkpoint },
    });
    expect(losses(rest)).toEqual(losses(once).slice(from));
    expect(rest.done.rollbacks).toBe(1);
    expect(digest(rest.done.adapter)).toBe(digest(once.done.adapter));
  });
});

describe("a loss that rises so slowly that nobody sees it for long", () => {
  /** Where a run of such losses is put back to; null: nowhere. */
  async function putBack(doubling: number) {
    const device = await testDevice();
    const state = device.allocate([1], "state");
    const guard = new Guard(device, [state]);
    const random = new Random(7);
    try {
      for (let step = 1; step <= 400; step++) {
        const rise = Math.max(0, step - 100) / doubling;
        const loss = Math.min(11, 2 * 2 ** rise * (0.95 + 0.1 * random.uniform()));
        guard.note({ step, loss, gradNorm: 1, finite: true });
        const alarm = guard.examine(step);
        if (alarm) return { alarm, toStep: await guard.rollBack(alarm, [{ step: 0, restore: async () => {} }]) };
        await guard.keep(step);
      }
      return null;
    } finally {
      guard.free();
      device.free(state);
    }
  }

  it.each([40, 80, 120, 160])(
    "doubling in %i updates: a state from before the rise is still there",
    async (doubling) => {
      const { alarm, toStep } = (await putBack(doubling))!;
      expect(alarm.step).toBeGreaterThan(115);
      expect(toStep).toBeGreaterThan(90);
      expect(toStep).toBeLessThan(130);
    },
  );

  it("and one that does not rise is left alone", async () => {
    expect(await putBack(Number.POSITIVE_INFINITY)).toBeNull();
  });
});

describe("a run that does not diverge", () => {
  it("is left alone: the guard changes nothing in it", async () => {
    const config = configOf({ steps: 30, learningRate: 2e-3 });
    const guarded = await runOf(session, { config, train });
    const free = await runOf(session, { config: { ...config, guard: false }, train });
    expect([guarded.done.rollbacks, rollbacksOf(guarded)]).toEqual([0, []]);
    expect(losses(guarded)).toEqual(losses(free));
    expect(digest(guarded.done.adapter)).toBe(digest(free.done.adapter));
  });

  it("gives its memory back", async () => {
    session.removeAdapter();
    const live = session.device.memory.live;
    await runOf(session, { config: configOf({ steps: 9, learningRate: 2e-3 }), train });
    session.removeAdapter();
    expect(session.device.memory.live).toBe(live);
  });
});

describe("early stopping", () => {
  it("ends a run whose validation loss has had no new lowest for so many measurements, and keeps the best", async () => {
    const config = configOf({ steps: 60, stepsPerEval: 2, patience: 3, learningRate: 2e-2 });
    const run = await runOf(session, { config, train, valid });
    expect(run.done.endedEarly).toBe("early-stop");
    const { validations } = run;
    expect(validations.slice(-3).some(({ best }) => best)).toBe(false);
    expect(run.done).toMatchObject({ chosen: "best", chosenStep: validations.filter(({ best }) => best).at(-1)!.step });
    expect(run.steps.length).toBeLessThan(60);
    expect(run.events.some((event) => event.type === "health" && event.kind === "early-stop")).toBe(true);
  });

  it("does not without patience", async () => {
    const config = configOf({ steps: 20, stepsPerEval: 2, learningRate: 2e-2 });
    expect((await runOf(session, { config, train, valid })).done.endedEarly).toBeNull();
  });
});
