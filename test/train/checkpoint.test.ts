/** A run that stops and goes on is the run that never stopped, bit for bit; anything else is refused. */
import { beforeAll, describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import type { Example } from "../../src/data/encode.ts";
import { openSafetensors, writeSafetensors } from "../../src/formats/safetensors.ts";
import { peekCheckpoint } from "../../src/train/checkpoint.ts";
import type { KnobName, TrainConfig } from "../../src/train/config.ts";
import type { TrainingSession } from "../../src/train/session.ts";
import {
  configOf,
  contraryTo,
  digest,
  goldenExamples,
  mainExamples,
  openSession,
  type Run,
  runOf,
  timeless,
} from "./support.ts";

describe("resuming", () => {
  let session: TrainingSession;
  let train: Example[];
  let valid: Example[];
  beforeAll(async () => {
    session = await openSession();
    // Seven: the last batch of an epoch is smaller.
    train = (await goldenExamples()).slice(0, 7);
    valid = await mainExamples();
  });

  const run = (config: TrainConfig, bytes?: Uint8Array): Promise<Run> =>
    runOf(session, { config, train, valid, ...(bytes ? { checkpoint: { name: "checkpoint", bytes } } : {}) });

  it.each<[string, Partial<Record<KnobName, unknown>>]>([
    ["mid-epoch, with validation", {}],
    ["with dropout", { dropout: 0.2 }],
    [
      "with accumulation, dropout and a falling rate",
      { batchSize: 1, gradAccumulationSteps: 3, dropout: 0.1, lrSchedule: "cosine", warmup: 2 },
    ],
    ["with clipping and checkpointed blocks", { maxGradNorm: 0.5, checkpointing: "on" }],
  ])("gives the same events and bits %s", async (_, knobs) => {
    const config = configOf({ steps: 9, shuffle: true, stepsPerEval: 2, saveEvery: 3, ...knobs });
    const whole = await run(config);
    expect(whole.saves.map(({ step }) => step)).toEqual([3, 6, 9]);
    for (const { step, checkpoint } of whole.saves.slice(0, 2)) {
      const rest = await run(config, checkpoint);
      expect(rest.start.doneSteps).toBe(step);
      // From the save on: updates, validations, saves with all their bytes, and the adapter that is kept.
      const at = whole.events.findIndex((event) => event.type === "save" && event.step === step);
      // Its own pre-flight and start come first.
      expect(timeless(rest).slice(2)).toEqual(timeless(whole).slice(at + 1));
    }
    expect(
      whole.steps.some(({ step }) => whole.start.updatesPerEpoch > 1 && step % whole.start.updatesPerEpoch !== 0),
    ).toBe(true);
  });

  it("counts measurements without a new lowest across the seam", async () => {
    const knobs = { steps: 60, stepsPerEval: 1, saveEvery: 1, patience: 4, learningRate: 2e-2 };
    const whole = await run(configOf(knobs));
    expect(whole.done).toMatchObject({ endedEarly: "early-stop" });
    const { checkpoint } = whole.saves.find(({ step }) => step === whole.done.steps - 2)!;
    const rest = await run(configOf(knobs), checkpoint);
    expect(rest.done).toMatchObject({ endedEarly: "early-stop", steps: whole.done.steps });
    expect(digest(rest.done.adapter)).toBe(digest(whole.done.adapter));
  });

  it("two runs of one seed are the same bits; another seed is another run", async () => {
    const config = (seed: number) => configOf({ steps: 5, shuffle: true, dropout: 0.1, seed });
    const [first, again, other] = [await run(config(0)), await run(config(0)), await run(config(1))];
    expect(timeless(again)).toEqual(timeless(first));
    expect(digest(other.done.adapter)).not.toBe(digest(first.done.adapter));
    expect(other.steps.map(({ loss }) => loss)).not.toEqual(first.steps.map(({ loss }) => loss));
  });

  it("remembers the lowest validation loss and its adapter from before", async () => {
    const [good] = valid as [Example];
    const contrary = contraryTo(good);
    const data = [good, good, ...Array.from({ length: 7 }, () => contrary)];
    const config = configOf({ batchSize: 1, steps: 9, stepsPerEval: 1, saveEvery: 7, learningRate: 5e-3 });
    const request = { config, train: data, valid: [good] };
    const whole = await runOf(session, request);
    expect(whole.done.chosenStep).toBeLessThanOrEqual(7);
    const bytes = whole.saves[0]!.checkpoint;
    const rest = await runOf(session, { ...request, checkpoint: { name: "checkpoint", bytes } });
    expect(timeless(rest).at(-1)).toEqual(timeless(whole).at(-1));
  });

  it("may be longer where the rates of the past stay, and starts at the end when nothing is left to do", async () => {
    const { saves } = await run(configOf({ steps: 3 }));
    const longer = await run(configOf({ steps: 5 }), saves[0]!.checkpoint);
    const whole = await run(configOf({ steps: 5 }));
    expect(digest(longer.done.adapter)).toBe(digest(whole.done.adapter));
    const nothing = await run(configOf({ steps: 3 }), saves[0]!.checkpoint);
    expect(nothing.steps).toEqual([]);
    expect(digest(nothing.done.adapter)).toBe(digest(saves[0]!.adapter));
    const cosine = await run(configOf({ steps: 3, lrSchedule: "cosine" }));
    await expect(run(configOf({ steps: 5, lrSchedule: "cosine" }), cosine.saves[0]!.checkpoint)).rejects.toThrow(
      "has rate",
    );
    await expect(run(configOf({ steps: 2 }), saves[0]!.checkpoint)).rejects.toThrow("3 updates behind it");
  });
});

describe("a checkpoint that does not fit", () => {
  let session: TrainingSession;
  let train: Example[];
  let bytes: Uint8Array;
  const config = configOf({ steps: 2, saveEvery: 1 });
  beforeAll(async () => {
    session = await openSession();
    train = await goldenExamples();
    bytes = (await runOf(session, { config, train })).saves[0]!.checkpoint;
  });

  const resume = (changed: Uint8Array, knobs: Partial<TrainConfig> = {}, examples = train) =>
    runOf(session, {
      config: { ...config, ...knobs },
      train: examples,
      checkpoint: { name: "00.ckpt", bytes: changed },
    });

  it("is refused with every difference to its run, and nothing of it stays on the device", async () => {
    session.removeAdapter();
    const live = session.device.memory.live;
    const other = { learningRate: 2e-3, seed: 5, rank: 8, targetModules: ["q_proj"] };
    const error = await resume(bytes, other, train.slice(1)).catch((caught) => caught);
    for (const line of [
      "learningRate: the checkpoint has 0.001, this run has 0.002",
      "seed: the checkpoint has 0, this run has 5",
      "rank: the checkpoint has 4, this run has 8",
      'targetModules: the checkpoint has ["q_proj",',
      "training examples: the checkpoint has 8, this run has 7",
      "adapted modules: ",
    ]) {
      expect(error.message).toContain(line);
    }
    expect(error).toMatchObject({ kind: "config" });
    session.removeAdapter();
    expect(session.device.memory.live).toBe(live);
  });

  it("may differ in what does not touch the arithmetic", async () => {
    const run = await resume(bytes, { saveEvery: 0, checkpointing: "on", valBatches: 3, stepsPerEval: 7 });
    expect(run.start).toMatchObject({ doneSteps: 1, blocks: { recomputed: 2, all: 2 } });
  });

  it("is refused when it is damaged: cut, without a tensor, with another size, with broken counters, or no checkpoint", async () => {
    const file = await openSafetensors(memorySource("00.ckpt", bytes));
    const tensors = await Promise.all(
      [...file.tensors.values()].map(async (info) => ({ ...info, bytes: await file.read(info) })),
    );
    const rewrite = (kept: typeof tensors, metadata = file.metadata) => writeSafetensors(kept, metadata);
    const half = tensors.map((tensor) => ({ ...tensor, shape: [2], bytes: tensor.bytes.slice(0, 8) }));
    const damaged: [Uint8Array, string][] = [
      [bytes.slice(0, bytes.length - 100), "00.ckpt"],
      [bytes.slice(0, 20), "00.ckpt"],
      [rewrite(tensors.filter(({ name }) => name !== "m")), 'tensor "m": expected F32'],
      [rewrite(half), "found F32 [2]"],
      [rewrite(tensors, { ...file.metadata, counters: "{" }), "counters: expected JSON"],
      [rewrite(tensors, { ...file.metadata, identity: "" }), "identity: expected JSON"],
      [rewrite(tensors, { format: "mlx" }), "expected a checkpoint of Lorikeet"],
    ];
    for (const [changed, message] of damaged) {
      await expect(resume(changed)).rejects.toMatchObject({
        kind: "format",
        message: expect.stringContaining(message),
      });
    }
    await resume(rewrite(tensors)); // the control
  });

  it("is known from other files by its settings", async () => {
    expect(await peekCheckpoint("00.ckpt", bytes)).toEqual({ step: 1, config });
    expect(await peekCheckpoint("adapters", writeSafetensors([], { format: "mlx" }))).toBeNull();
  });
});
