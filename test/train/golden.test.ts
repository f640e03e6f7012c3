/** The whole session against PyTorch: the losses and gradient norms of 20 updates, from records without a tokenizer. */
import { beforeAll, describe, expect, it } from "vitest";
import { Problems } from "../../src/core/errors.ts";
import type { Example } from "../../src/data/encode.ts";
import { toRecord } from "../../src/data/records.ts";
import type { TrainingSession } from "../../src/train/session.ts";
import { fixtureFolder, fixtureJson } from "../support/golden.ts";
import { configOf, fixtureAdapter, goldenExamples, losses, mainExamples, openSession, runOf } from "./support.ts";

const CURVE = 5e-4;
const { lists, scalars } = fixtureJson("llama/manifest.json");
const list = (name: string): number[] => lists[name].values;

describe("a training session", () => {
  let session: TrainingSession;
  let train: Example[];
  beforeAll(async () => {
    session = await openSession();
    // As a file of records would bring them; the folder has no tokenizer, and needs none.
    const golden = await goldenExamples();
    const problems = new Problems();
    const records = golden.map(({ ids, labels }, i) =>
      toRecord({ input_ids: [...ids], labels: [...labels] }, i + 1, "golden", problems),
    );
    const set = { name: "golden", records: records.filter((record) => record !== null), forms: {} };
    const { examples, report } = await session.encode(set, { maxSeqLength: 2048, maskPrompt: true });
    expect(examples.map(({ ids, labels }) => ({ ids, labels }))).toEqual(
      golden.map(({ ids, labels }) => ({ ids, labels })),
    );
    expect(report).toMatchObject({ records: 8, kept: 8, truncated: [] });
    train = [...examples];
  });

  it("refuses a second model, and data that carries no loss", async () => {
    await expect(openSession().then((open) => open.load(fixtureFolder("llama")))).rejects.toThrow("loaded already");
    const empty = { name: "silent.jsonl", records: [], forms: {} };
    const options = { maxSeqLength: 64, maskPrompt: true };
    await expect(session.encode(empty, options)).rejects.toMatchObject({ kind: "data" });
    expect((await session.encode(empty, options, { allowEmpty: true })).examples).toEqual([]);
  });

  it.each([
    ["train", {}],
    ["sched", { lrSchedule: "cosine", warmup: 5, maxGradNorm: 0.5 }],
  ])("follows PyTorch's 20 updates of %s", async (name, knobs) => {
    const initial = await fixtureAdapter("init");
    const run = await runOf(session, { config: configOf(knobs), train, initial });
    // Two blocks of rank 4 on in + out = 128 (q, o), 96 (k, v), 224 (gate, up, down).
    const parameters = 2 * 4 * (2 * 128 + 2 * 96 + 3 * 224);
    expect(run.start).toMatchObject({ totalSteps: 20, updatesPerEpoch: 4, layers: 14, tensors: 28, parameters });
    expect(run.steps.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(run.steps.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 20 }, (_, i) => Math.floor(i / 4)));
    for (const [i, { loss, gradNorm, learningRate, finite }] of run.steps.entries()) {
      expect(Math.abs(loss - list(`${name}.losses`)[i]!), `loss of update ${i + 1}`).toBeLessThan(CURVE);
      expect(Math.abs(gradNorm - list(`${name}.grad_norms`)[i]!), `norm of update ${i + 1}`).toBeLessThan(CURVE);
      expect(learningRate).toBeCloseTo(list(`${name}.lrs`)[i]!, 9);
      expect(finite).toBe(true);
    }
    // What the run leaves on the model is what it hands over.
    const evaluation = await session.evaluate(await mainExamples(), 1);
    expect(Math.abs(evaluation.loss - scalars[`${name}.final_eval_loss`].value)).toBeLessThan(CURVE);
    const final = await fixtureAdapter(name === "train" ? "final" : "final-sched");
    for (const { module, A, B } of run.done.adapter.factors) {
      const expected = final.factors.find((factor) => factor.module === module)!;
      expect(Math.max(...A.map((value, i) => Math.abs(value - expected.A[i]!)))).toBeLessThan(CURVE);
      expect(Math.max(...B.map((value, i) => Math.abs(value - expected.B[i]!)))).toBeLessThan(CURVE);
    }
  });

  it("accumulates micro-batches to the curve of the big batch, which the mean of their means is not", async () => {
    const initial = await fixtureAdapter("init");
    const knobs = { batchSize: 4, steps: 8 };
    const big = await runOf(session, { config: configOf(knobs), train, initial });
    const small = { ...knobs, batchSize: 1, gradAccumulationSteps: 4 };
    const micro = await runOf(session, { config: configOf(small), train, initial });
    expect(micro.start.updatesPerEpoch).toBe(2);
    for (const [i, loss] of losses(micro).entries()) expect(Math.abs(loss - losses(big)[i]!)).toBeLessThan(1e-4);
    expect(micro.steps.map(({ tokens }) => tokens)).toEqual(big.steps.map(({ tokens }) => tokens));
    // The control: each example alone, averaged without their numbers of tokens.
    session.setAdapter(initial);
    const each = await Promise.all(train.slice(0, 4).map((one) => session.evaluate([one], 1)));
    const mean = each.reduce((sum, { loss }) => sum + loss, 0) / 4;
    expect(new Set(each.map(({ tokens }) => tokens)).size).toBeGreaterThan(1);
    expect(Math.abs(mean - losses(big)[0]!)).toBeGreaterThan(5e-3);
  });

  it("evaluates by tokens, so that the batch size does not matter", async () => {
    session.removeAdapter();
    const all = [...train, ...(await mainExamples())];
    const [one, three, many] = [
      await session.evaluate(all, 1),
      await session.evaluate(all, 3),
      await session.evaluate(all, 99),
    ];
    expect(one.tokens).toBe(all.reduce((sum, { supervised }) => sum + supervised, 0));
    expect(one.examples).toBe(10);
    expect(Math.abs(three.loss / one.loss - 1)).toBeLessThan(1e-6);
    expect(Math.abs(many.loss / one.loss - 1)).toBeLessThan(1e-6);
    expect(one.perplexity).toBeCloseTo(Math.exp(one.loss), 6);
    const base = await session.evaluate(await mainExamples(), 2);
    expect(Math.abs(base.loss - scalars["base.loss"].value)).toBeLessThan(2e-4);
  });
});
