/** The diagnostic on a tiny model: healthy as it is, and every planted fault ends in the outcome that is named after it. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Example } from "../../src/data/encode.ts";
import type { Device } from "../../src/gpu/device.ts";
import type { Adapter } from "../../src/lora/adapter.ts";
import { namedLeaves } from "../../src/nn/module.ts";
import { type DiagnoseEvent, type DiagnoseRequest, type PhaseNumber, runDiagnosis } from "../../src/train/diagnose.ts";
import { TrainingSession } from "../../src/train/session.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder } from "../support/golden.ts";
import {
  alteredDevice,
  dropsUpdates,
  endsEarly,
  type Fault,
  linearAt,
  plantedDevice,
  writesTo,
} from "../support/planted.ts";
import { configOf, fixtureAdapter, goldenExamples, openSession } from "./support.ts";

const config = configOf({ steps: 3, learningRate: 3e-3 });
const LAYER = "model.layers.1.self_attn.v_proj";

let session: TrainingSession;
let train: Example[];
let final: Adapter;
beforeAll(async () => {
  session = await openSession();
  train = await goldenExamples();
  final = await fixtureAdapter("final");
});

/** `at`: called as each phase begins, when its adapter is on the model already. */
async function diagnosisOf(
  on: TrainingSession,
  request: Partial<DiagnoseRequest> = {},
  at: Partial<Record<PhaseNumber, () => void>> = {},
) {
  const events: DiagnoseEvent[] = [];
  for await (const event of runDiagnosis(on, { config, train, ...request })) {
    events.push(event);
    if (event.type === "phase-begin") at[event.phase]?.();
  }
  const last = events.at(-1)!;
  if (last.type !== "diagnosis") throw new Error(`the last event is ${last.type}`);
  const lines = events.flatMap((event) => (event.type === "phase-end" ? event.lines : []));
  return {
    events,
    ...last.diagnosis,
    facts: last.facts,
    failed: lines.filter(({ passed }) => passed === false),
    lines,
  };
}

/** A session of its own on a device that does something wrong. */
async function sessionOn(device: Device): Promise<TrainingSession> {
  const own = new TrainingSession(device);
  await own.load(fixtureFolder("llama"));
  return own;
}

/** One that does so in the optimizer's updates. */
const faulty = async (fault: Fault) => sessionOn(plantedDevice(await testDevice(), fault));

/** Replaces leaves of the tree by themselves without their adapter: attached, but ignored by the forward. */
function ignore(path: RegExp): void {
  for (const { path: own, leaf, replace } of namedLeaves(session.model.tree)) {
    if (leaf.kind === "linear" && path.test(own)) replace({ ...leaf, lowRank: null });
  }
}

describe("a sound machine", () => {
  it("is healthy, with five phases in order and not one line against it", async () => {
    const { events, outcome, reasons, failed, facts } = await diagnosisOf(session);
    expect(failed).toEqual([]);
    expect([outcome, reasons[0]]).toEqual([
      "healthy",
      "A and B moved in all 14 layers, and no tensor of the base changed",
    ]);
    const order = events.flatMap((event) => ("phase" in event ? [`${event.type} ${event.phase}`] : []));
    expect(order).toEqual([1, 2, 3, 4, 5].flatMap((phase) => [`phase-begin ${phase}`, `phase-end ${phase}`]));
    expect(events.filter(({ type }) => type === "trial-update").length).toBe(3);
    expect(facts.loss!.after).toBeLessThan(facts.loss!.before);
    expect(facts.logitsChange!).toBeGreaterThan(0);
    expect(facts.training!.moments.m).toBeGreaterThan(0);
    expect(JSON.parse(JSON.stringify(facts))).toEqual(facts);
  });

  it("finds a trained adapter healthy, and says that it trained none", async () => {
    const { events, outcome, lines, failed } = await diagnosisOf(session, { adapter: final });
    expect(failed).toEqual([]);
    expect(outcome).toBe("healthy");
    expect(lines).toContainEqual({ passed: null, text: "skipped: an adapter was given to examine" });
    expect(events.some(({ type }) => type === "trial-update")).toBe(false);
  });
});

describe("parameters did not change", () => {
  const DROPPED = "parameters did not change";

  it("where the optimizer's write is dropped", async () => {
    const own = await faulty(dropsUpdates);
    const { outcome, reasons, failed } = await diagnosisOf(own);
    expect(outcome).toBe(DROPPED);
    expect(reasons[0]).toMatch(
      /^14 of 14 layers: B did not move though it has a gradient, the optimizer did not write/,
    );
    expect(failed.map(({ text }) => text)).toContainEqual(expect.stringMatching(/^B moved in 0 of 14 layers/));
  });

  it("where the optimizer leaves out the second half of its tensors, which are named", async () => {
    const { outcome, reasons } = await diagnosisOf(await faulty(endsEarly(0.5)));
    expect(outcome).toBe(DROPPED);
    expect(reasons[0]).toMatch(/^[67] of 14 layers: .* the optimizer did not write: model\.layers\.1\./);
  });

  it("where the forward ignores an adapter, which is named", async () => {
    const { outcome, reasons } = await diagnosisOf(session, {}, { 2: () => ignore(/layers\.1\.self_attn\.v_proj$/) });
    expect(outcome).toBe(DROPPED);
    expect(reasons[0]).toBe(`1 of 14 layers: B did not move, the model's forward does not use it: ${LAYER}`);
  });

  it("where an adapter that was brought is as it began", async () => {
    const { outcome, reasons } = await diagnosisOf(session, { adapter: await fixtureAdapter("init") });
    expect(outcome).toBe(DROPPED);
    expect(reasons[0]).toMatch(/B is zero, so they change nothing/);
  });
});

describe("LoRA parameters missing", () => {
  it("where the targets are no layers of this model", async () => {
    const { outcome, reasons, events } = await diagnosisOf(session, {
      config: configOf({ targetModules: ["c_attn"] }),
    });
    expect(outcome).toBe("LoRA parameters missing");
    expect(reasons[0]).toMatch(/c_attn matches no linear layer; this model has .*q_proj/);
    expect(events.filter(({ type }) => type === "phase-end").length).toBe(2);
  });

  it("where an adapter is of another model", async () => {
    const factors = final.factors.map((factor) => ({
      ...factor,
      module: factor.module.replace("layers.1", "layers.9"),
    }));
    const { outcome, reasons } = await diagnosisOf(session, { adapter: { ...final, factors } });
    expect(outcome).toBe("LoRA parameters missing");
    expect(reasons[0]).toContain("layers.9");
  });
});

it("base weights that are written to are named, before all that follows from it", async () => {
  const own: TrainingSession = await faulty(
    writesTo(() => linearAt(own.model.tree, LAYER).leaf.weight!.shards[0]!.tensor, 1),
  );
  const { outcome, reasons, failed } = await diagnosisOf(own);
  expect(outcome).toBe("base weights were changed");
  expect(reasons[0]).toBe(`1 tensors of the base are others now: ${LAYER}.weight`);
  expect(failed.length).toBe(1);
});

describe("parameters changed but answers are bad", () => {
  it("where a brought adapter is not finite", async () => {
    const factors = final.factors.map((factor, i) =>
      i > 0 ? factor : { ...factor, B: factor.B.map(() => Number.NaN) },
    );
    const { outcome, reasons } = await diagnosisOf(session, { adapter: { ...final, factors } });
    expect(outcome).toBe("parameters changed but answers are bad");
    expect(reasons[0]).toMatch(/^1 of 14 layers are not finite: model\.layers\.0/);
  });

  it("where a brought adapter unlearns what it was to learn", async () => {
    const { outcome, reasons } = await diagnosisOf(session, { adapter: { ...final, scale: -10 * final.scale } });
    expect(outcome).toBe("parameters changed but answers are bad");
    expect(reasons.join()).toMatch(/the loss is \d+\.\d+ with the adapter and 7\.\d+ without/);
  });
});

describe("the adapter does not hold", () => {
  it("where its forward is lost after training", async () => {
    const { outcome, reasons } = await diagnosisOf(session, {}, { 4: () => ignore(/./) });
    expect(outcome).toBe("the adapter does not hold");
    expect(reasons).toContain("the adapter does not change a single logit");
  });

  it("where its file gives other logits", async () => {
    let phase: PhaseNumber = 1;
    const device = alteredDevice(await testDevice(), {
      upload(tensor, bytes) {
        const readBack = phase === 5 && tensor.storage.label === "lora.parameters";
        return readBack ? bytes.map((byte, i) => (i < 4096 ? 0 : byte)) : bytes;
      },
    });
    const own = await sessionOn(device);
    const { outcome, reasons } = await diagnosisOf(
      own,
      {},
      {
        5: () => {
          phase = 5;
        },
      },
    );
    expect(outcome).toBe("the adapter does not hold");
    expect(reasons[0]).toMatch(/^the written file does not give its logits: relative difference/);
  });
});

describe("the model afterwards", () => {
  async function unchanged(action: () => Promise<unknown>) {
    const before = await session.logits(train[0]!.ids);
    const live = session.device.memory.live;
    await action();
    expect(session.device.memory.live).toBe(live);
    expect(await session.logits(train[0]!.ids)).toEqual(before);
  }

  it.each(["without", "with"])("is as before, %s an adapter on it", async (how) => {
    if (how === "with") session.setAdapter(final);
    await unchanged(() => diagnosisOf(session));
    await unchanged(() => diagnosisOf(session, { adapter: final }));
    session.removeAdapter();
  });

  it("is as before when it was stopped in any phase", async () => {
    session.setAdapter(final);
    for (const phase of [1, 2, 4] as const) {
      const stop = new AbortController();
      await unchanged(async () => {
        const run = diagnosisOf(session, { signal: stop.signal }, { [phase]: () => stop.abort() });
        await expect(run).rejects.toThrow(/abort/i);
      });
    }
    session.removeAdapter();
  });
});
