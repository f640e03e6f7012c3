/** What a run does beside its arithmetic: which adapter it keeps, stopping, pausing, failing, and what it leaves behind. */
import { beforeAll, describe, expect, it } from "vitest";
import { memoryModel } from "../../src/core/bytes.ts";
import { deviceError } from "../../src/core/errors.ts";
import type { Example } from "../../src/data/encode.ts";
import { writeSafetensors } from "../../src/formats/safetensors.ts";
import type { Device } from "../../src/gpu/device.ts";
import { TrainingSession } from "../../src/train/session.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixtureJson, fixtureTensors } from "../support/golden.ts";
import {
  configOf,
  contraryTo,
  digest,
  example,
  goldenExamples,
  losses,
  mainExamples,
  openSession,
  runOf,
  timeless,
} from "./support.ts";

describe("which adapter is kept", () => {
  let session: TrainingSession;
  let train: Example[];
  let valid: Example[];
  beforeAll(async () => {
    session = await openSession();
    train = await goldenExamples();
    valid = await mainExamples();
  });

  it("the one of the lowest validation loss, when the loss falls first and rises then", async () => {
    const [good] = valid as [Example, Example];
    const contrary = contraryTo(good);
    const data = [good, good, good, good, contrary, contrary, contrary, contrary, contrary];
    const config = configOf({ batchSize: 1, steps: 9, stepsPerEval: 1, saveEvery: 1, learningRate: 5e-3 });
    const { validations, done, saves } = await runOf(session, { config, train: data, valid: [good] });
    expect(validations.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const after = validations.slice(1);
    const lowest = after.reduce((best, now) => (now.loss < best.loss ? now : best));
    expect(lowest.step).toBeGreaterThan(2);
    expect(lowest.step).toBeLessThan(8);
    expect(done).toMatchObject({
      chosen: "best",
      chosenStep: lowest.step,
      steps: 9,
      skippedUpdates: 0,
      stopped: false,
    });
    expect(digest(done.adapter)).toBe(digest(saves.find(({ step }) => step === lowest.step)!.adapter));
    expect(digest(done.adapter)).not.toBe(digest(saves.at(-1)!.adapter));
    // `best` marks each new lowest, and the number before the first update is only where the run starts.
    let least = Number.POSITIVE_INFINITY;
    for (const { step, loss, best } of validations) {
      expect(best).toBe(step > 0 && loss < least);
      if (step > 0) least = Math.min(least, loss);
    }
    const measured = await session.evaluate([good], 1);
    expect(measured.loss).toBeCloseTo(lowest.loss, 6);
    expect(measured.tokens).toBe(lowest.tokens);
  });

  it("of the updates, even when the start was better than each of them", async () => {
    const [good] = valid as [Example, Example];
    const contrary = contraryTo(good);
    const knobs = { batchSize: 1, steps: 6, learningRate: 5e-3 };
    const initial = (await runOf(session, { config: configOf(knobs), train: [good] })).done.adapter;
    const config = configOf({ ...knobs, stepsPerEval: 2 });
    const { validations, done } = await runOf(session, { config, train: [contrary], valid: [good], initial });
    expect(validations.map(({ loss }) => loss).sort((a, b) => a - b)).toEqual(validations.map(({ loss }) => loss));
    expect(done).toMatchObject({ chosen: "best", chosenStep: 2 });
  });

  it("the last one without validation", async () => {
    const config = configOf({ steps: 3, checkpointing: "auto" });
    const { start, done, saves, validations } = await runOf(session, { config, train });
    expect(start.blocks).toEqual({ recomputed: 0, all: 2 }); // a small model has room for its activations
    expect(validations).toEqual([]);
    expect(saves.map(({ step }) => step)).toEqual([3]);
    expect(done).toMatchObject({ chosen: "last", chosenStep: 3 });
    expect(digest(done.adapter)).toBe(digest(saves[0]!.adapter));
  });

  it("and measures the same first examples each time, by tokens", async () => {
    const knobs = { steps: 2, stepsPerEval: 1, valBatches: 1 };
    const pair = await runOf(session, { config: configOf(knobs), train, valid: [...valid, ...train] });
    const all = await runOf(session, { config: configOf({ ...knobs, valBatches: -1 }), train, valid });
    const single = await runOf(session, { config: configOf({ ...knobs, valBatches: -1, batchSize: 1 }), train, valid });
    expect(pair.validations).toEqual(all.validations);
    expect(single.validations[0]!.loss).toBeCloseTo(all.validations[0]!.loss, 5);
    expect(all.validations[0]!.loss).toBeCloseTo(fixtureJson("llama/manifest.json").scalars["base.loss"].value, 3);
    const none = await runOf(session, { config: configOf({ ...knobs, valBatches: 0 }), train, valid });
    expect(none.validations).toEqual([]);
  });
});

describe("stopping and pausing", () => {
  let session: TrainingSession;
  let train: Example[];
  beforeAll(async () => {
    session = await openSession();
    train = await goldenExamples();
  });

  it("stops soon after it is told to, with an adapter and a checkpoint of the updates made", async () => {
    const stop = new AbortController();
    const config = configOf({ steps: 50 });
    const run = await runOf(session, { config, train, signal: stop.signal }, (event) => {
      if (event.type === "step" && event.step === 3) stop.abort();
    });
    expect(run.done).toMatchObject({ stopped: true, steps: run.steps.length, chosen: "last" });
    // Reports come two updates late, so one or two more are done.
    expect(run.steps.length).toBeGreaterThanOrEqual(3);
    expect(run.steps.length).toBeLessThanOrEqual(6);
    const [{ step, adapter, checkpoint }] = run.saves as [(typeof run.saves)[0]];
    expect(step).toBe(run.steps.length);
    expect(digest(adapter)).toBe(digest(run.done.adapter));
    // And goes on from there as if nothing had been.
    const rest = await runOf(session, {
      config: configOf({ steps: 8 }),
      train,
      checkpoint: { name: "c", bytes: checkpoint },
    });
    const whole = await runOf(session, { config: configOf({ steps: 8 }), train });
    expect([...losses(run), ...losses(rest)]).toEqual(losses(whole));
  });

  it("ends at once when it is stopped before it began", async () => {
    const run = await runOf(session, { config: configOf(), train, signal: AbortSignal.abort() });
    expect(run.steps).toEqual([]);
    expect(run.done).toMatchObject({ stopped: true, steps: 0 });
  });

  it("pauses with all reports delivered, and goes on to the same bits", async () => {
    const config = configOf({ steps: 7 });
    const whole = await runOf(session, { config, train });
    const events = session.train({ config, train, valid: [] });
    const seen = [];
    for (let next = await events.next(); !next.done; next = await events.next()) {
      seen.push(next.value);
      if (next.value.type !== "step" || next.value.step !== 2) continue;
      session.pause();
      session.pause();
      // What was under way still comes; then nothing until resume.
      for (const step of [3, 4])
        expect((seen[seen.push((await events.next()).value!) - 1] as { step: number }).step).toBe(step);
      // A pause saves, so that closing the page while it lasts loses nothing.
      expect((await events.next()).value).toMatchObject({ type: "save", step: 4 });
      const submitted = session.device.counters.submits;
      const waiting = events.next();
      await expect(Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 100, "paused"))])).resolves.toBe(
        "paused",
      );
      expect(session.device.counters.submits).toBe(submitted);
      session.resume();
      session.pause();
      session.resume();
      seen.push((await waiting).value!);
    }
    expect(timeless({ events: seen })).toEqual(timeless(whole));
  });

  it("can be stopped while it is paused", async () => {
    const stop = new AbortController();
    const run = runOf(session, { config: configOf({ steps: 50 }), train, signal: stop.signal }, (event) => {
      if (event.type !== "step" || event.step !== 1) return;
      session.pause();
      setTimeout(() => stop.abort(), 50);
    });
    expect((await run).done).toMatchObject({ stopped: true, steps: 1 });
    session.resume();
  });
});

describe("a run", () => {
  it("gives every byte back but its adapter's", async () => {
    const session = await openSession();
    const train = await goldenExamples();
    const request = { config: configOf({ steps: 3, stepsPerEval: 1, dropout: 0.1 }), train, valid: train };
    await runOf(session, request);
    session.removeAdapter();
    const { memory } = session.device;
    const { live, allocated } = memory;
    const { done } = await runOf(session, request);
    expect(memory.live).toBeGreaterThan(live);
    session.removeAdapter();
    expect(memory.live).toBe(live);
    // Nor does the pool grow: the second run found all it needed.
    expect(memory.allocated).toBe(allocated);
    session.setAdapter(done.adapter);
    session.removeAdapter();
    expect(memory.live).toBe(live);
  });

  it("learns one batch by heart", async () => {
    const session = await openSession();
    const config = configOf({
      rank: 8,
      alpha: 16,
      steps: 60,
      learningRate: 1e-2,
      lrSchedule: "cosine",
      maxGradNorm: 1,
    });
    const train = await mainExamples();
    const run = await runOf(session, { config, train });
    expect(run.steps[0]!.loss).toBeGreaterThan(5);
    const { loss } = await session.evaluate(train, 2);
    expect(loss).toBeLessThan(0.05);
  });

  it("skips updates that are not finite, counts them, and is otherwise the run without them", async () => {
    const tensors = await fixtureTensors("llama/model.safetensors");
    const weights = [...tensors].map(([name, { shape, values }]) => {
      const changed = values.slice();
      // A token that no example has but the one below.
      if (name === "model.embed_tokens.weight") changed.fill(Number.POSITIVE_INFINITY, 319 * shape[1]!);
      return { name, shape, dtype: "F32" as const, bytes: new Uint8Array(changed.buffer) };
    });
    const config = new TextEncoder().encode(JSON.stringify(fixtureJson("llama/config.json")));
    const files = [
      { path: "config.json", bytes: config },
      { path: "model.safetensors", bytes: writeSafetensors(weights, {}) },
    ];
    const session = await openSession(memoryModel("overflowing", files));
    const good = (await goldenExamples()).filter(({ ids }) => !ids.includes(319)).slice(0, 3) as [
      Example,
      Example,
      Example,
    ];
    const bad = example([5, 319, 7, 8, 9]);
    const knobs = { batchSize: 1, saveEvery: 1 };
    const run = await runOf(session, {
      config: configOf({ ...knobs, steps: 4 }),
      train: [good[0], bad, good[1], good[2]],
    });
    expect(run.steps.map(({ finite }) => finite)).toEqual([true, false, true, true]);
    expect(Number.isFinite(run.steps[1]!.loss)).toBe(false);
    expect(run.done.skippedUpdates).toBe(1);
    expect(digest(run.saves[1]!.adapter)).toBe(digest(run.saves[0]!.adapter));
    const without = await runOf(session, { config: configOf({ ...knobs, steps: 3 }), train: good });
    expect(without.done.skippedUpdates).toBe(0);
    expect(digest(run.done.adapter)).toBe(digest(without.done.adapter));
    // A validation that is not finite is no best.
    const { validations, done } = await runOf(session, {
      config: configOf({ ...knobs, steps: 2, stepsPerEval: 1 }),
      ...{ train: good, valid: [bad] },
    });
    expect(validations.every(({ loss, best }) => !Number.isFinite(loss) && !best)).toBe(true);
    expect(done.chosen).toBe("last");
  });

  it("that the device fails throws the device's error alone, and the session can go on", async () => {
    const device = await testDevice();
    const lost = deviceError("the GPU device was lost");
    let runs = 0;
    const failing: Device = Object.create(device, {
      run: {
        async value(program: Parameters<Device["run"]>[0]) {
          runs += 1;
          if (runs !== 4) return device.run(program);
          for (const command of program.commands) if (command.kind === "read") command.settle.reject(lost);
          throw lost;
        },
      },
    });
    const session = new TrainingSession(failing);
    await session.load(fixtureFolder("llama"));
    const train = await goldenExamples();
    const live = device.memory.live;
    await expect(runOf(session, { config: configOf(), train })).rejects.toBe(lost);
    session.removeAdapter();
    // The table of positions stays with the model.
    expect(device.memory.live - live).toBe(128 * 8 * 2 * 4);
    expect((await runOf(session, { config: configOf({ steps: 2 }), train })).steps).toHaveLength(2);
  });
});
