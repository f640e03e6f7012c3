/** Adapters of several runs with weights, as one: against `combine` on a session of its own. */
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { folderSource } from "../../src/cli/node/folder.ts";
import { openGpu } from "../../src/cli/node/gpu.ts";
import { demoFolder } from "../../src/cli/node/package.ts";
import { memoryModel } from "../../src/core/bytes.ts";
import type { Adapter } from "../../src/lora/adapter.ts";
import { combineAdapters } from "../../src/lora/combine.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { truncateAdapter } from "../../src/lora/resize.ts";
import { TrainingSession } from "../../src/train/session.ts";
import type { MixFile, MixPart } from "../../src/worker/protocol.ts";
import { randomAdapter } from "../lora/support.ts";
import { relativeL2 } from "../support/compare.ts";
import { outcomeAfter } from "../support/outcome.ts";
import { DORA, FACTS, IDS, kept, ready, STYLE } from "./mixing.ts";
import type { TestEngine } from "./support.ts";

describe("a mix of runs", () => {
  let test: TestEngine;
  let plain: TrainingSession;
  beforeAll(async () => {
    test = await ready();
    plain = new TrainingSession(await openGpu());
    await plain.load(folderSource(demoFolder()));
  });
  afterAll(() => plain?.dispose());

  const weights = (style: number, facts: number): MixPart[] => [
    { id: "style", weight: style },
    { id: "facts", weight: facts },
  ];
  const combined = (style: number, facts: number) =>
    combineAdapters(
      [
        { name: "style", adapter: STYLE, weight: style },
        { name: "facts", adapter: FACTS, weight: facts },
      ],
      { method: "cat" },
    ).adapter;
  const logitsOf = (adapter: Adapter | null) => {
    if (adapter) plain.setAdapter(adapter);
    else plain.removeAdapter();
    return plain.logits(IDS);
  };
  const alone = () => test.engine.mixAdapters([{ id: "style", weight: 1 }]);
  const answersOf = async (id: number) => {
    const messages = [{ role: "user", content: "What is rain?" }] as const;
    await test.engine.ask({ id, messages, sides: ["base", "tuned"], maxTokens: 12, temperature: 0, seed: 0 });
    const all = test.events.flatMap((event) =>
      event.type === "answer" && event.answer.id === id ? [event.answer] : [],
    );
    const last = (side: string) => all.findLast((answer) => answer.side === side)!.text;
    return { base: last("base"), tuned: last("tuned") };
  };
  const filesOf = async (file: MixFile, rank: number | null) => {
    const { name, blob } = await test.engine.mixFile(file, rank);
    const files = unzipSync(new Uint8Array(await blob.arrayBuffer()));
    const entries = Object.entries(files).map(([path, bytes]) => ({ path, bytes }));
    const record = JSON.parse(new TextDecoder().decode(files["mix.json"]));
    const named = JSON.parse(new TextDecoder().decode(files["adapter_config.json"]));
    return { name, record, config: named, adapter: await importAdapter(memoryModel("zip", entries)) };
  };

  it("has the logits of what `combine` makes of it, and others with other weights", async () => {
    await test.engine.mixAdapters(weights(1, -0.5));
    const mixed = await test.engine.logits(IDS);
    expect(mixed).toEqual(await logitsOf(combined(1, -0.5)));
    expect(relativeL2(mixed, await logitsOf(combined(1, 0.5)))).toBeGreaterThan(1e-3);
    expect(relativeL2(mixed, await logitsOf(STYLE))).toBeGreaterThan(1e-3);
    await test.engine.mixAdapters(weights(1, 0.5));
    expect(await test.engine.logits(IDS)).toEqual(await logitsOf(combined(1, 0.5)));
  });

  it("tells which runs it is of, with which weights", async () => {
    await test.engine.mixAdapters(weights(1, 2));
    expect(test.state("mix")).toEqual({
      parts: [
        { id: "style", title: "style", began: 0, weight: 1 },
        { id: "facts", title: "facts", began: 0, weight: 2 },
      ],
      ...{ rank: 6, largest: 4 },
    });
    await test.engine.mixAdapters([{ id: "style", weight: 0.5 }]);
    expect(test.state("mix")).toMatchObject({ parts: [{ id: "style", weight: 0.5 }], rank: 4 });
    await alone();
    expect(test.state("mix")).toBeNull();
    // Of another run alone it is a mix: not what is shown.
    await test.engine.mixAdapters([{ id: "facts", weight: 1 }]);
    expect(test.state("mix")).toMatchObject({ parts: [{ id: "facts", weight: 1 }] });
    expect(await test.engine.logits(IDS)).toEqual(await logitsOf(FACTS));
  });

  it("leaves the base's answers, and gives the adapter's own back", async () => {
    await alone();
    const [before, logits] = [await answersOf(1), await test.engine.logits(IDS)];
    expect(logits).toEqual(await logitsOf(STYLE));
    await test.engine.mixAdapters(weights(2, 2));
    const mixed = await answersOf(2);
    expect(mixed.base).toBe(before.base);
    expect(mixed.tuned).not.toBe(before.tuned);
    await alone();
    expect(await answersOf(3)).toEqual(before);
    expect(await test.engine.logits(IDS)).toEqual(logits);
    // Weights of zero leave the base.
    await test.engine.mixAdapters(weights(0, 0));
    expect(relativeL2(await test.engine.logits(IDS), await logitsOf(null))).toBeLessThan(1e-6);
  });

  it.each(["mlx.zip", "peft.zip"] as const)("is handed out exactly, as %s", async (file) => {
    await test.engine.mixAdapters(weights(1, -0.5));
    const { name, record, adapter, config } = await filesOf(file, null);
    expect(name).toMatch(new RegExp(`^lorikeet-built-in-demo-\\d{4}-\\d\\d-\\d\\d-mix-${file}$`));
    expect(await logitsOf(adapter)).toEqual(await test.engine.logits(IDS));
    expect(record).toMatchObject({ model: "Built-in demo", method: "cat", rank: 6, left_out: 0 });
    expect(record.parts).toMatchObject([
      { run: "style", weight: 1 },
      { run: "facts", weight: -0.5 },
    ]);
    if (file === "mlx.zip") expect(config).toMatchObject({ num_layers: 5, rank: 6, fine_tune_type: "lora" });
  });

  it("under a smaller rank says what it leaves out, and hands out that", async () => {
    await test.engine.mixAdapters(weights(1, 0.5));
    const whole = await test.engine.mixLoss(null);
    expect(whole).toMatchObject({ rank: 6, error: 0, worst: null });
    const loss = await test.engine.mixLoss(3);
    const { adapter, error, layers } = truncateAdapter(combined(1, 0.5), 3);
    expect([loss.rank, loss.error]).toEqual([3, error]);
    expect(error).toBeGreaterThan(0.1);
    expect(loss.worst!.error).toBe(Math.max(...layers.map((layer) => layer.error)));
    expect(loss.bytes).toBeLessThan(whole.bytes);
    const files = await filesOf("peft.zip", 3);
    expect(files.record).toMatchObject({ method: "svd", rank: 3, left_out: error });
    expect(await logitsOf(files.adapter)).toEqual(await logitsOf(adapter));
    expect(relativeL2(await logitsOf(files.adapter), await test.engine.logits(IDS))).toBeGreaterThan(1e-3);
    // More than it has changes nothing.
    expect(await test.engine.mixLoss(60)).toEqual(whole);
    await expect(test.engine.mixLoss(0)).rejects.toThrow("expected a whole number from 1 on, got 0");
  });

  it("is what the changes are measured of", async () => {
    await alone();
    const before = await test.engine.audit();
    await test.engine.mixAdapters(weights(1, 1));
    expect([before.rank, (await test.engine.audit()).rank]).toEqual([4, 6]);
  });

  it("is refused with its reason, and what was on the model stays", async () => {
    const { engine } = test;
    await kept(test, "dora", DORA);
    const up = { in_features: 3, out_features: 5 };
    await kept(test, "small", randomAdapter([["model.layers.0.mlp.up_proj", up]], 2));
    await kept(test, "other", STYLE, { model: { kind: "hub", id: "org/other" }, modelTitle: "org/other" });
    await kept(test, "fallen", STYLE, { outcome: outcomeAfter(6, {}, { usable: false }) });
    await engine.mixAdapters(weights(1, 0.5));
    const [standing, before] = [test.state("mix"), await engine.logits(IDS)];
    const refused = (id: string, weight = 1) =>
      engine.mixAdapters([
        { id: "style", weight: 1 },
        { id, weight },
      ]);
    await expect(refused("dora")).rejects.toMatchObject({
      message: "dora: DoRA's magnitudes are lengths of rows of W + B·A, which have no sum",
      hint: expect.stringContaining("Fuse it into its base"),
    });
    await expect(refused("small")).rejects.toThrow(/^small does not fit the model: .*up_proj: expected \d+ → \d+/s);
    await expect(refused("other")).rejects.toThrow("other: expected an adapter of Built-in demo, got one of org/other");
    await expect(refused("fallen")).rejects.toThrow("fallen: this run has no adapter to mix");
    await expect(refused("gone")).rejects.toThrow('there is no run "gone" any more');
    await expect(refused("style")).rejects.toThrow("a run is named twice");
    await expect(refused("facts", Number.NaN)).rejects.toThrow("facts: expected a number as its weight, got NaN");
    await expect(engine.mixAdapters([])).rejects.toThrow("expected at least one run");
    expect(test.state("mix")).toBe(standing);
    expect(await engine.logits(IDS)).toEqual(before);
    // DoRA by itself has a sum: itself.
    await engine.mixAdapters([{ id: "dora", weight: 1 }]);
    await expect(engine.mixAdapters([{ id: "dora", weight: 0.5 }])).rejects.toThrow("have no sum");
  });

  it("is refused while a question is being answered, and keeps others off while it is made", async () => {
    const { engine } = test;
    await alone();
    const messages = [{ role: "user", content: "What is rain?" }] as const;
    const asked = engine.ask({ id: 9, messages, sides: ["tuned"], maxTokens: 400, temperature: 1, seed: 1 });
    await test.until((event) => event.type === "answer" && event.answer.id === 9);
    await expect(engine.mixAdapters(weights(1, 1))).rejects.toThrow("a question is being answered");
    await engine.stopAnswer();
    await asked;
    expect(test.state("mix")).toBeNull();
    const mixing = engine.mixAdapters(weights(1, 1));
    await expect(engine.openRun("facts")).rejects.toThrow("Opening a run: adapters are being mixed");
    await mixing;
    expect(test.state("mix")).not.toBeNull();
  });
});
