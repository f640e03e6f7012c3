/**
 * Faults planted one by one into runs of a tiny model: each is caught with its name, within the stated updates, and the
 * same run without the fault passes. What shows only in answers is in faults-answers.test.ts.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { memoryModel } from "../../src/core/bytes.ts";
import type { Example } from "../../src/data/encode.ts";
import type { Device } from "../../src/gpu/device.ts";
import { attachLora, freeLora } from "../../src/lora/attach.ts";
import { exportMlx } from "../../src/lora/export.ts";
import type { CausalLM } from "../../src/models/model.ts";
import type { HealthEvent } from "../../src/train/events.ts";
import { TrainingSession } from "../../src/train/session.ts";
import { Trainer } from "../../src/train/trainer.ts";
import { judgeRun } from "../../src/train/verdict.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder } from "../support/golden.ts";
import {
  breaksGradient,
  type Fault,
  fallsSilent,
  freezeLeaf,
  linearAt,
  losesGradients,
  plantedDevice,
  skipsTensors,
  writesTo,
} from "../support/planted.ts";
import { configOf, digest, example, goldenExamples, type Run, runOf } from "./support.ts";

const Q = "model.layers.0.self_attn.q_proj";
const NONE: Fault = () => {};

let device: Device;
let train: Example[];
beforeAll(async () => {
  device = await testDevice();
  train = await goldenExamples();
});

/** A session on the tiny llama whose programs pass through `fault`. */
async function sessionWith(fault: Fault): Promise<TrainingSession> {
  const session = new TrainingSession(plantedDevice(device, fault));
  await session.load(fixtureFolder("llama"));
  return session;
}

const healthOf = ({ events }: Run): HealthEvent[] => events.filter((event) => event.type === "health");

/** The run's checks and verdict, its adapter having been written. */
async function closing(session: TrainingSession, { done, validations, events }: Run) {
  const checks = await session.verify(done.adapter, memoryModel("adapters", exportMlx(done.adapter)), train, done);
  const health = events.filter((event) => event.type === "health");
  return { failed: checks.filter(({ passed }) => !passed), ...judgeRun({ done, checks, validations, health }) };
}

describe("a layer that is not adapted", () => {
  it("targets that match nothing: refused before anything runs, with what there is", async () => {
    const session = await sessionWith(NONE);
    const config = configOf({ steps: 2, targetModules: ["query_key_value"] });
    await expect(runOf(session, { config, train })).rejects.toThrow(/query_key_value matches no linear layer.*q_proj/);
  });

  it("an adapter that did not get into the model: refused before the first update, by name", async () => {
    const session = await sessionWith(NONE);
    const config = configOf({ steps: 2 });
    freezeLeaf(session.model.tree, Q);
    await expect(runOf(session, { config, train })).rejects.toThrow(
      `adapter: expected 14 adapted layers, found 13: planned but not attached: ${Q}`,
    );
  });

  it("is told as attached when all is well", async () => {
    const { events } = await runOf(await sessionWith(NONE), { config: configOf({ steps: 1 }), train });
    const [preflight] = events;
    expect(preflight).toMatchObject({ type: "preflight" });
    const findings = preflight!.type === "preflight" ? preflight!.findings : [];
    expect(findings.find(({ id }) => id === "adapter")).toMatchObject({
      level: "good",
      title: "14 of 14 planned layers have their adapter",
    });
  });
});

/** A trainer by itself on a model whose forward pass is `forward`: how many updates it told of, and how it ended. */
async function trainBy(forward: (model: CausalLM) => CausalLM["forward"]) {
  const session = await sessionWith(NONE);
  const { model } = session;
  const config = configOf({ steps: 6 });
  const lora = await attachLora(model.tree, device, { ...config, trainable: true });
  const altered: CausalLM = { ...model, forward: forward(model) };
  const input = {
    device,
    model: altered,
    lora,
    config,
    train,
    valid: [],
    blocks: { recomputed: 0, all: 2 },
    gate: () => null,
  };
  const trainer = new Trainer(input);
  let steps = 0;
  let unmoved: readonly string[] | null = null;
  try {
    for await (const event of trainer.run()) {
      if (event.type === "step") steps += 1;
      if (event.type === "done") unmoved = event.unmoved;
    }
    return { steps, unmoved, error: null };
  } catch (error) {
    return { steps, unmoved, error: String(error) };
  } finally {
    trainer.free();
    freeLora(device, lora);
  }
}

describe("an adapter that the forward pass ignores", () => {
  it("is named within three updates, with the reason that it has no gradient", async () => {
    const ignoring =
      (model: CausalLM): CausalLM["forward"] =>
      (tape, batch, options) => {
        const { leaf, replace } = linearAt(model.tree, Q);
        replace({ ...leaf, lowRank: null });
        const hidden = model.forward(tape, batch, options);
        replace(leaf);
        return hidden;
      };
    const { steps, error } = await trainBy(ignoring);
    expect(error).toContain(`1 of 28 factors learned nothing in 3 updates: ${Q}.lora_B. They have no gradient`);
    expect(steps).toBe(2);
  });

  it("is no complaint where it does not", async () => {
    expect(await trainBy((model) => model.forward.bind(model))).toEqual({ steps: 6, unmoved: [], error: null });
  });
});

describe("an optimizer that skips some tensors", () => {
  const factor = (session: () => TrainingSession, name: "A" | "B") => () => [
    linearAt(session().model.tree, Q).leaf.lowRank![name],
  ];

  it("of B: named within three updates, with the reason that they have gradients", async () => {
    const session: TrainingSession = await sessionWith(skipsTensors(factor(() => session, "B")));
    await expect(runOf(session, { config: configOf({ steps: 6 }), train })).rejects.toThrow(
      `1 of 28 factors learned nothing in 3 updates: ${Q}.lora_B. They have gradients, but the optimizer`,
    );
  });

  it("of A: named at the end, and the adapter is broken", async () => {
    const session: TrainingSession = await sessionWith(skipsTensors(factor(() => session, "A")));
    const run = await runOf(session, { config: configOf({ steps: 4 }), train });
    expect(run.done.unmoved).toEqual([`${Q}.lora_A`]);
    const { verdict, failed } = await closing(session, run);
    expect(verdict).toBe("broken");
    expect(failed).toMatchObject([{ name: "every layer's adapter moved", evidence: `these did not: ${Q}.lora_A` }]);
  });

  it("or loses the gradients of A, which weight decay moves all the same: named within three updates", async () => {
    const session: TrainingSession = await sessionWith(losesGradients(factor(() => session, "A")));
    const config = configOf({ steps: 6, weightDecay: 0.1 });
    await expect(runOf(session, { config, train })).rejects.toThrow(
      `1 of 28 factors learned nothing in 3 updates: ${Q}.lora_A. They have no gradient`,
    );
  });

  it("of none: nothing is named", async () => {
    const session = await sessionWith(skipsTensors(() => []));
    const run = await runOf(session, { config: configOf({ steps: 4 }), train });
    expect(run.done.unmoved).toEqual([]);
    expect(await closing(session, run)).toMatchObject({ verdict: "healthy", failed: [] });
  });
});

describe("base weights that are written to", () => {
  const gate = "model.layers.1.mlp.gate_proj";

  it("are named at the end, and the adapter is broken", async () => {
    const weight = () => linearAt(session.model.tree, gate).leaf.weight!.shards[0]!.tensor;
    const session: TrainingSession = await sessionWith(writesTo(weight, 2));
    const run = await runOf(session, { config: configOf({ steps: 3 }), train });
    expect(run.done.baseChanged).toEqual([`${gate}.weight`]);
    const { verdict, failed } = await closing(session, run);
    expect(verdict).toBe("broken");
    expect(failed.map(({ name }) => name)).toEqual(["the base is unchanged"]);
  });

  it("are none in a run without the fault", async () => {
    const session = await sessionWith(NONE);
    expect((await runOf(session, { config: configOf({ steps: 3 }), train })).done.baseChanged).toEqual([]);
  });
});

describe("an update that is not finite", () => {
  const config = () => configOf({ steps: 6, saveEvery: 1 });

  it.each([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN])(
    "%f in one gradient: nothing is written, the update is counted and told, the run goes on",
    async (value) => {
      const run = await runOf(await sessionWith(breaksGradient(value, [3])), { config: config(), train });
      expect(run.steps.map(({ finite }) => finite)).toEqual([true, true, false, true, true, true]);
      expect(digest(run.saves[2]!.adapter)).toBe(digest(run.saves[1]!.adapter));
      expect(digest(run.saves[3]!.adapter)).not.toBe(digest(run.saves[2]!.adapter));
      expect(run.done.skippedUpdates).toBe(1);
      expect(healthOf(run)).toMatchObject([{ kind: "skipped", text: expect.stringMatching(/^Update 3 was skipped/) }]);
    },
  );

  it("in no gradient: nothing is told", async () => {
    const run = await runOf(await sessionWith(breaksGradient(0.1, [3])), { config: config(), train });
    expect([run.done.skippedUpdates, healthOf(run)]).toEqual([0, []]);
  });

  it("a batch with no token that carries loss is left out and told", async () => {
    const ids = train[0]!.ids;
    const silent = example(ids, new Int32Array(ids.length).fill(-100));
    const data = [train[0]!, train[1]!, silent, silent, train[2]!, train[3]!];
    const run = await runOf(await sessionWith(NONE), { config: configOf({ steps: 3, saveEvery: 1 }), train: data });
    expect(run.steps.map(({ finite, supervisedTokens }) => [finite, supervisedTokens > 0])).toEqual([
      [true, true],
      [false, false],
      [true, true],
    ]);
    expect(digest(run.saves[1]!.adapter)).toBe(digest(run.saves[0]!.adapter));
    expect(healthOf(run)).toMatchObject([{ kind: "skipped", text: expect.stringMatching(/no token of its records/) }]);
    const [preflight] = run.events;
    const findings = preflight!.type === "preflight" ? preflight!.findings : [];
    expect(findings.find(({ id }) => id === "labels")).toMatchObject({
      level: "warn",
      title: "2 records teach nothing",
    });
  });

  it("half a batch without loss is no matter", async () => {
    const ids = train[0]!.ids;
    const silent = example(ids, new Int32Array(ids.length).fill(-100));
    const run = await runOf(await sessionWith(NONE), { config: configOf({ steps: 1 }), train: [silent, train[1]!] });
    expect([run.steps[0]!.finite, healthOf(run)]).toEqual([true, []]);
  });
});

describe("a GPU that stops computing without a word", () => {
  it("is a lost device at the first loss of exactly zero", async () => {
    const session = await sessionWith(fallsSilent(3));
    const seen: number[] = [];
    const watch = runOf(session, { config: configOf({ steps: 8 }), train }, (event) => {
      if (event.type === "step") seen.push(event.step);
    });
    await expect(watch).rejects.toMatchObject({ code: "device-lost", message: expect.stringMatching(/^update 3: /) });
    expect(seen).toEqual([1, 2]);
  });

  it("is none while losses come", async () => {
    const run = await runOf(await sessionWith(fallsSilent(9)), { config: configOf({ steps: 8 }), train });
    expect(run.steps).toHaveLength(8);
  });
});
