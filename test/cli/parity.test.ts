/** `lorikeet train` against torch's AdamW under peft: the same start, the same batches, twenty updates. */
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { folderSource } from "../../src/cli/node/folder.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { relativeL2 } from "../support/compare.ts";
import { fixtureFolder, fixtureJson, fixturePath } from "../support/golden.ts";
import { goldenRecords, type Metrics, readLines, succeed, temporaryFolder, writeRecords } from "./support.ts";

const TOLERANCE = 5e-4;

const RUNS = [
  { name: "train", final: "final", flags: ["--lr-schedule", "constant", "--warmup", "0", "--max-grad-norm", "0"] },
  {
    name: "sched",
    final: "final-sched",
    flags: ["--lr-schedule", "cosine", "--warmup", "5", "--max-grad-norm", "0.5"],
  },
];

describe.each(["llama", "llama-tied", "qwen2"])("twenty updates of %s", (model) => {
  const { lists } = fixtureJson(`${model}/manifest.json`);
  const folder = temporaryFolder({ keep: true });
  const data = path.join(folder, "train.jsonl");

  beforeAll(async () => {
    writeRecords(data, await goldenRecords(model, "train"));
  });

  it.each(RUNS)("$name: losses, gradient norms, rates and the adapter", async ({ name, final, flags }) => {
    const out = path.join(folder, name);
    await succeed(
      ...["train", "--model", fixturePath(model), "--data", data, "--adapter-path", out],
      ...["--resume-adapter-file", fixturePath(`${model}/adapters/init`), "--steps", "20", "--batch-size", "2"],
      ...["--no-shuffle", "--learning-rate", "1e-3", "--weight-decay", "0.01", ...flags],
    );
    const metrics = readLines(path.join(out, "metrics.jsonl"));
    const column = (key: keyof Metrics) => metrics.map((line) => line[key]);
    expect(column("step")).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expectClose(column("loss"), lists[`${name}.losses`].values, TOLERANCE);
    expectClose(column("grad_norm"), lists[`${name}.grad_norms`].values, TOLERANCE);
    expectClose(column("learning_rate"), lists[`${name}.lrs`].values, 1e-9);

    const ours = await importAdapter(folderSource(out));
    const theirs = await importAdapter(fixtureFolder(`${model}/adapters/${final}`));
    const start = await importAdapter(fixtureFolder(`${model}/adapters/init`));
    for (const [i, factor] of ours.factors.entries()) {
      expect(factor.module).toBe(theirs.factors[i]!.module);
      expect(relativeL2(factor.A, theirs.factors[i]!.A), `${factor.module} A`).toBeLessThan(1e-3);
      expect(relativeL2(factor.B, theirs.factors[i]!.B), `${factor.module} B`).toBeLessThan(1e-3);
      // The control: twenty updates are visible at this tolerance.
      expect(relativeL2(factor.A, start.factors[i]!.A), `${factor.module} A`).toBeGreaterThan(1e-2);
    }
  });
});

function expectClose(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(actual.length).toBe(expected.length);
  const worst = Math.max(...actual.map((value, i) => Math.abs(value - expected[i]!)));
  expect(worst).toBeLessThanOrEqual(tolerance);
}
