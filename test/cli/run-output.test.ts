/** A run's folder when things go wrong: what can be used stays, everything else goes. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Origin } from "../../src/cli/commands/training/request.ts";
import { RunOutput } from "../../src/cli/commands/training/run-output.ts";
import type { Adapter } from "../../src/lora/adapter.ts";
import type { SaveEvent, StepEvent } from "../../src/train/events.ts";
import { WRITTEN_RIGHT } from "../../src/train/verify.ts";
import { filesIn, readJsonFile, temporaryFolder } from "./support.ts";

const factor = { module: "model.layers.0.mlp.up_proj", in_features: 2, out_features: 3, rank: 1 };
const ADAPTER: Adapter = {
  ...{ rank: 1, alpha: 2, scale: 2, dropout: 0, use_rslora: false },
  factors: [{ ...factor, A: Float32Array.of(1, 2), B: Float32Array.of(1, 2, 3) }],
};
const STEP = { type: "step", step: 1, epoch: 0, finite: true, tokens: 2, supervisedTokens: 1, seconds: 1 } as const;
const step: StepEvent = { ...STEP, loss: 1, gradNorm: 1, learningRate: 1 };
const RUN = { adapter: ADAPTER, unmoved: [], baseChanged: [], answers: null };
const RECORDS = { record: { status: "failed" }, report: "<!doctype html>" };
const save: SaveEvent = { type: "save", step: 2, adapter: ADAPTER, checkpoint: new Uint8Array(8) };

/** As half-way: the file is right, though not every layer has moved. */
const fileIsRight = async () => [
  { name: "every layer's adapter moved", passed: false, evidence: "none" },
  { name: WRITTEN_RIGHT, passed: true, evidence: "none" },
];

function output(folder: string, origin: Origin = { kind: "fresh" }): RunOutput {
  return new RunOutput({ folder, origin, saveEvery: 2, extras: {} });
}

/** A run that goes on from the checkpoint in `folder`. */
const goesOn = (folder: string): Origin => ({
  kind: "checkpoint",
  path: path.join(folder, "checkpoint.safetensors"),
  bytes: new Uint8Array(8),
  step: 1,
});

describe("a failed run", () => {
  it("takes back the folders it made when nothing was saved", async () => {
    const base = temporaryFolder();
    const out = output(path.join(base, "a", "b"));
    await out.abandon(RECORDS);
    await out.step(step);
    expect(filesIn(path.join(base, "a", "b"))).toEqual(["metrics.jsonl"]);
    await out.abandon(RECORDS);
    expect(filesIn(base)).toEqual([]);
  });

  it("leaves what was there before it", async () => {
    const base = temporaryFolder();
    mkdirSync(path.join(base, "a"));
    writeFileSync(path.join(base, "a", "notes.txt"), "mine");
    const out = output(path.join(base, "a"));
    await out.step(step);
    await out.abandon(RECORDS);
    expect(filesIn(path.join(base, "a"))).toEqual(["notes.txt"]);
  });

  it("keeps a checkpoint, with a record of what happened", async () => {
    const base = temporaryFolder();
    const out = output(base);
    await out.step(step);
    await out.save(save, fileIsRight);
    await out.abandon(RECORDS);
    expect(readJsonFile(base, "run.json")).toEqual({ status: "failed" });
    expect(filesIn(base)).toContain("report.html");
    expect(filesIn(base)).toContain("0000002_adapters.safetensors");
  });
});

describe("an adapter half-way", () => {
  it("is not put there when its file does not give the live logits; the checkpoint is", async () => {
    const base = temporaryFolder();
    const out = output(base);
    await out.save(save, async () => [{ name: WRITTEN_RIGHT, passed: false, evidence: "none" }]);
    expect(filesIn(base)).toEqual(["checkpoint.safetensors", "metrics.jsonl"]);
  });
});

describe("the adapter at the end", () => {
  const COLLAPSED_ANSWERS = { verdict: "collapsed", symptoms: [], notes: [] } as const;
  const check = (passed: boolean) => ({ name: "it works", passed, evidence: "none" });

  it("is in its place only after every check has passed, and the checks saw the files", async () => {
    const base = temporaryFolder();
    const out = output(base);
    await out.step(step);
    let seen: string[] = [];
    await out.finish(RUN, async (_adapter, written) => {
      seen = await written.list();
      expect(existsSync(path.join(base, "adapters.safetensors"))).toBe(false);
      return [check(true)];
    });
    expect(seen).toEqual(["adapter_config.json", "adapters.safetensors"]);
    expect(filesIn(base)).toEqual(["adapter_config.json", "adapters.safetensors", "metrics.jsonl"]);
  });

  it("is not kept when a check fails, nor is the one that the run had put there", async () => {
    const base = temporaryFolder();
    const out = output(base);
    await out.save(save, fileIsRight);
    expect(filesIn(base)).toContain("adapters.safetensors");
    const { checks, place } = await out.finish(RUN, async () => [check(true), check(false)]);
    expect([checks.length, place]).toEqual([2, null]);
    expect(filesIn(base)).toEqual(["0000002_adapters.safetensors", "checkpoint.safetensors", "metrics.jsonl"]);
  });

  it("goes into a folder that says so when its answers have collapsed, and none lies where a good one would", async () => {
    const base = temporaryFolder();
    const out = output(base);
    await out.save(save, fileIsRight);
    const said = { name: "the answers are coherent", passed: false, evidence: ",,,,", about: "answers" } as const;
    const { place } = await out.finish({ ...RUN, answers: COLLAPSED_ANSWERS }, async () => [check(true), said]);
    expect(place).toBe(path.join(base, "collapsed"));
    expect(filesIn(path.join(base, "collapsed"))).toEqual(["adapter_config.json", "adapters.safetensors"]);
    expect(filesIn(base)).not.toContain("adapters.safetensors");
  });

  it.each([
    ["goes, where the run went on in its own folder", "here", false],
    ["stays, where it came from another folder", "there", true],
  ])("that lay there before one that collapsed %s", async (_, from, kept) => {
    const base = temporaryFolder();
    const here = path.join(base, "here");
    await output(here).save(save, fileIsRight);
    // The same folder by another name.
    const out = output(`${base}/./here/`, goesOn(path.join(base, from)));
    await out.step(step);
    const { place } = await out.finish({ ...RUN, answers: COLLAPSED_ANSWERS }, async () => [check(true)]);
    expect(path.relative(here, place!)).toBe("collapsed");
    for (const file of ["adapters.safetensors", "adapter_config.json"])
      expect(existsSync(path.join(here, file))).toBe(kept);
  });

  it("removes a collapsed one of before when it is good, but nothing of anybody else's", async () => {
    const base = temporaryFolder();
    const collapsed = path.join(base, "collapsed");
    const collapse = async () => {
      const out = output(base);
      await out.step(step);
      await out.finish({ ...RUN, answers: COLLAPSED_ANSWERS }, async () => [check(true)]);
      expect(filesIn(collapsed)).toEqual(["adapter_config.json", "adapters.safetensors"]);
    };
    const succeed = async () => {
      const out = output(base);
      await out.step(step);
      expect((await out.finish(RUN, async () => [check(true)])).place).toBe(base);
    };
    await collapse();
    await succeed();
    expect(filesIn(base)).toEqual(["adapter_config.json", "adapters.safetensors", "metrics.jsonl"]);
    await collapse();
    writeFileSync(path.join(collapsed, "notes.txt"), "mine");
    await succeed();
    expect(filesIn(collapsed)).toEqual(["notes.txt"]);
  });

  it("is not kept at all when it is broken besides", async () => {
    const base = temporaryFolder();
    const out = output(base);
    await out.step(step);
    const broken = await out.finish({ ...RUN, answers: COLLAPSED_ANSWERS }, async () => [check(false)]);
    expect(broken.place).toBeNull();
    expect(filesIn(base)).toEqual(["metrics.jsonl"]);
  });
});
