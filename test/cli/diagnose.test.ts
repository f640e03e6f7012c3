/** `lorikeet diagnose` on the demo model, whose answers are language: what a stranger reads, as text and as JSON. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { exportMlx } from "../../src/lora/export.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { fixtureFolder, fixturePath } from "../support/golden.ts";
import { goldenRecords, lorikeet, type Ran, temporaryFolder, writeRecords } from "./support.ts";

const onDemo = (...flags: string[]) =>
  lorikeet(["diagnose", "--model", "demo", "--data", "public/demo", "--batch-size", "4", ...flags]);

describe("a sound machine and a fitting rate", () => {
  let ran: Ran;
  beforeAll(async () => {
    ran = await onDemo("--steps", "6");
  });

  it("is healthy, with status 0 and no line against it", () => {
    expect(ran.out).toMatch(/^outcome +healthy$/m);
    expect(ran.out).not.toContain("✗");
    expect(ran.status).toBe(0);
  });

  it("reads from the baseline to what to do", () => {
    const heads = ran.out.match(/^\d {2}.+$/gm);
    expect(heads).toEqual([
      "1  Baseline",
      "2  A minimal training",
      "3  What changed, and what did not",
      "4  Answers after",
      "5  State",
    ]);
    expect(ran.out).toMatch(/✓ base: 47 of 47 tensors unchanged/);
    expect(ran.out).toMatch(/✓ B moved in 35 of 35 layers/);
    expect(ran.out.match(/· "[A-Z][^"]+" → "/g)?.length).toBe(6);
    expect(ran.out).toMatch(/rate 0\.003: loss/);
    expect(ran.out.trimEnd().split("\n").at(-1)).toMatch(/^what to do {2}Nothing to mend/);
    for (const line of ran.out.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
  });
});

it("an absurd rate without warm-up ends in bad answers, and a status of 1", async () => {
  const rate = ["--learning-rate", "0.9", "--lr-schedule", "constant", "--warmup", "0"];
  const { out, status } = await onDemo("--steps", "5", ...rate, "--json");
  const { outcome, reasons, phases, facts } = JSON.parse(out);
  expect([outcome, status]).toEqual(["parameters changed but answers are bad", 1]);
  expect(reasons.join()).toMatch(/the loss is [4-9]\.\d+ with the adapter and 2\.\d+ without/);
  expect(phases.map(({ phase }: { phase: number }) => phase)).toEqual([1, 2, 3, 4, 5]);
  expect(facts.layers.every(({ movedB }: { movedB: boolean }) => movedB)).toBe(true);
});

describe("an adapter to examine", () => {
  const folder = temporaryFolder({ keep: true });
  const data = path.join(folder, "train.jsonl");
  const examine = (adapter: string) =>
    lorikeet(["diagnose", "--model", fixturePath("llama"), "--data", data, "--adapter-path", adapter]);
  beforeAll(async () => {
    writeRecords(data, await goldenRecords("llama", "train"));
  });

  it("is examined instead of training one", async () => {
    const { out, status } = await examine(fixturePath("llama/adapters/final"));
    expect(out).toContain("· skipped: an adapter was given to examine");
    expect(out).toMatch(/^outcome +healthy$/m);
    expect(status).toBe(0);
  });

  it("that is broken is no reason not to look: it is named, with status 1", async () => {
    const adapter = await importAdapter(fixtureFolder("llama/adapters/final"));
    for (const { path: name, bytes } of exportMlx(adapter)) {
      // The last four bytes of the file are a number of the last tensor.
      if (name.endsWith(".safetensors"))
        new DataView(bytes.buffer, bytes.byteOffset).setFloat32(bytes.length - 4, Number.NaN, true);
      writeFileSync(path.join(folder, name), bytes);
    }
    const { out, status } = await examine(folder);
    expect(out).toMatch(
      /^outcome +parameters changed but answers are bad\nbecause +1 of 14 layers are not finite: model\.layers\./m,
    );
    expect(status).toBe(1);
  });
});
