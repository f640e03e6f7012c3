/** Learning rates of both tools, computed by their own code, beside ours for the job that is handed over. */
import { describe, expect, it } from "vitest";
import { rateDifference } from "../../src/handoff/equivalences.ts";
import { batchWithin, whatIsLeft } from "../../src/handoff/job.ts";
import { mlxCurve } from "../../src/handoff/mlx-job.ts";
import { mlxRate } from "../../src/optim/mlx-rate.ts";
import { resolveConfig, scheduledRate, type TrainConfig } from "../../src/train/config.ts";
import { Folder, fixtureJson } from "./support.ts";

interface Case {
  readonly schedule: TrainConfig["lrSchedule"];
  readonly warmup: number;
  readonly steps: number;
  readonly learning_rate: number;
  readonly lr_schedule: object;
  readonly mlx: readonly number[];
  readonly transformers: readonly number[];
}

const CASES: readonly Case[] = fixtureJson("rates.json");

describe.each(CASES)("$schedule over $steps updates after $warmup", (given) => {
  const { schedule, warmup, steps, learning_rate: learningRate } = given;
  const knobs = { lrSchedule: schedule, warmup, steps, learningRate, batchSize: 4 };
  const config = resolveConfig(knobs, "test");
  const updates = Array.from({ length: steps }, (_, step) => step);

  it("is transformers' own in TRL", () => {
    for (const step of updates) {
      expect(scheduledRate(config, step, steps)).toBeCloseTo(given.transformers[step]!, 12);
    }
    const script = new Folder({ knobs }).text("trl/train.py");
    expect(script).toContain(`    max_steps=${steps},\n`);
    expect(script).toContain(`    warmup_steps=${warmup},\n`);
    expect(script).toContain(schedule === "constant" ? '"constant_with_warmup"' : `"${schedule}"`);
  });

  it("is what mlx-lm makes of the schedule that is written", () => {
    expect(new Folder({ knobs }).options().lr_schedule).toEqual(given.lr_schedule);
    const curve = mlxCurve(config)!;
    for (const step of updates) expect(mlxRate(curve, step)).toBeCloseTo(given.mlx[step]!, 12);
    const apart = updates.map((step) => Math.abs(given.mlx[step]! - given.transformers[step]!) / learningRate);
    expect(rateDifference(config)).toBeCloseTo(Math.max(...apart), 9);
    // The same, or one update late.
    const late = (step: number) => (warmup > 0 && step > warmup ? step - 1 : step);
    for (const step of updates) expect(given.mlx[step]).toBeCloseTo(given.transformers[late(step)]!, 12);
  });
});

describe("what is left of a job", () => {
  const config = resolveConfig({ steps: 40, batchSize: 4, learningRate: 1e-3, warmup: 4 }, "test");

  it.each([0, 40, 60])("is all of it after %i of 40 updates", (done) => {
    const { config: left, total } = whatIsLeft(config, 16, done);
    expect({ total, ...left }).toMatchObject({ total: 40, steps: 40, warmup: 4, learningRate: 1e-3, epochs: "auto" });
  });

  it("is the rest, at the rate that was reached", () => {
    const { config: left } = whatIsLeft(config, 16, 25);
    expect(left.steps).toBe(15);
    expect(left.learningRate).toBe(scheduledRate(config, 25, 40));
    expect(left.learningRate).toBeLessThan(1e-3);
    expect(whatIsLeft(config, 16, 2).config).toMatchObject({ steps: 38, learningRate: 1e-3 });
    expect(whatIsLeft(config, 16, 37).config).toMatchObject({ steps: 3, warmup: 1 });
  });

  it("counts epochs in updates, and updates in mlx-lm's iters", () => {
    const epochs = { epochs: 2.5, batchSize: 3, gradAccumulationSteps: 2 };
    // 16 records are 6 micro-batches and 3 updates.
    expect(whatIsLeft(resolveConfig(epochs, "test"), 16, 0).total).toBe(8);
    const folder = new Folder({ knobs: epochs });
    expect(folder.options()).toMatchObject({ iters: 16, batch_size: 3, grad_accumulation_steps: 2 });
    expect(folder.text("trl/train.py")).toContain("max_steps=8,");
  });

  it.each([
    [8, 1, 100, { size: 8, accumulation: 1, split: 1 }],
    [8, 2, 5, { size: 4, accumulation: 4, split: 2 }],
    [7, 1, 3, { size: 1, accumulation: 7, split: 7 }],
    [6, 1, 0, { size: 1, accumulation: 6, split: 6 }],
  ])("has batches of %i × %i records in files of %i", (batchSize, gradAccumulationSteps, smallest, batch) => {
    expect(batchWithin(resolveConfig({ batchSize, gradAccumulationSteps }, "test"), smallest)).toEqual(batch);
  });
});
