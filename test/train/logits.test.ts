/** A model that caps its logits softly does so everywhere: in what is read, in the loss and its gradient, in sampling. */
import { describe, expect, it } from "vitest";
import type { Batch } from "../../src/data/batches.ts";
import { Program } from "../../src/gpu/program.ts";
import { attachAdapter, freeLora } from "../../src/lora/attach.ts";
import { loadModel } from "../../src/models/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { generate } from "../../src/train/generate.ts";
import { capLogits, computeLogits } from "../../src/train/logits.ts";
import { recordEvaluation } from "../../src/train/step.ts";
import { mainBatch, stepOf } from "../models/support.ts";
import { relativeL2 } from "../support/compare.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder } from "../support/golden.ts";
import { fixtureAdapter } from "./support.ts";

/** Of the size of the tiny model's logits: it bends them visibly. */
const CAP = 1;

describe("capLogits", () => {
  it("bends each logit towards the cap, in place", () => {
    const logits = Float32Array.of(-1e30, -30, -1, 0, 0.01, 30, Number.POSITIVE_INFINITY);
    const expected = Float32Array.from(logits, (z) => 30 * Math.tanh(z / 30));
    expect(capLogits(logits, 30)).toBe(logits);
    expect(logits).toEqual(expected);
    expect([logits[0], logits[6]]).toEqual([-30, 30]);
    expect(logits[4]).toBeCloseTo(0.01, 8);
  });

  it("leaves them where there is none", () => {
    const logits = Float32Array.of(-1e30, 7, Number.NaN);
    expect(capLogits(logits, 0)).toEqual(Float32Array.of(-1e30, 7, Number.NaN));
  });
});

describe("a model with a soft cap", () => {
  async function models() {
    const device = await testDevice();
    const plain = await loadModel(fixtureFolder("llama"), device);
    const capped: CausalLM = { ...plain, finalSoftcap: CAP };
    return { device, plain, capped };
  }

  /** −log softmax(z)[target] of the supervised rows */
  function losses(logits: Float32Array, { rows, targets }: Batch, V: number): number[] {
    return Array.from(rows, (row, i) => {
      const z = logits.subarray(row * V, (row + 1) * V);
      return Math.log(z.reduce((total, value) => total + Math.exp(value), 0)) - z[targets[i]!]!;
    });
  }

  it("gives capped logits, and the losses that follow from them", async () => {
    const { device, plain, capped } = await models();
    const { flat } = await mainBatch();
    const [raw, logits] = [await computeLogits(device, plain, flat), await computeLogits(device, capped, flat)];
    expect(logits).toEqual(raw.map((z) => CAP * Math.tanh(z / CAP)));
    expect(relativeL2(logits, raw)).toBeGreaterThan(0.05);

    const nll = async (model: CausalLM) => {
      const program = new Program();
      const values = program.readFloats(recordEvaluation(program, model, flat));
      await device.run(program);
      return values;
    };
    const V = plain.config.vocab_size;
    expect(relativeL2(await nll(capped), losses(logits, flat, V))).toBeLessThan(1e-6);
    expect(relativeL2(await nll(plain), losses(raw, flat, V))).toBeLessThan(1e-6);
    expect(relativeL2(await nll(plain), losses(logits, flat, V))).toBeGreaterThan(1e-3);
  });

  it("trains on the loss of capped logits", async () => {
    const { device, plain, capped } = await models();
    const { flat } = await mainBatch();
    const adapter = await fixtureAdapter("random");
    const lossAt = async (model: CausalLM, moved: typeof adapter) => {
      const lora = attachAdapter(model.tree, device, moved, { trainable: true });
      const step = await stepOf(device, model, lora, flat);
      freeLora(device, lora);
      return step;
    };
    // Along its own direction: d loss = ‖gradient‖²·h.
    const { gradients } = await lossAt(capped, adapter);
    const slope = gradients.flatMap(({ A, B }) => [...A, ...B]).reduce((total, g) => total + g * g, 0);
    const h = 1e-3 / Math.sqrt(slope);
    const gradientOf = (path: string) => gradients.find(({ module }) => module === path)!;
    const along = (step: number) => {
      const factors = adapter.factors.map((factor) => {
        const { A, B } = gradientOf(factor.module);
        return { ...factor, A: factor.A.map((a, i) => a + step * A[i]!), B: factor.B.map((b, i) => b + step * B[i]!) };
      });
      return { ...adapter, factors };
    };
    const rise = async (model: CausalLM) =>
      ((await lossAt(model, along(h))).loss - (await lossAt(model, along(-h))).loss) / (2 * h);
    expect(Math.abs((await rise(capped)) / slope - 1)).toBeLessThan(0.005);
    expect(Math.abs((await rise(plain)) / slope - 1)).toBeGreaterThan(0.05);
  });

  it("samples from capped logits, and picks the greatest as before", async () => {
    const { device, plain } = await models();
    const tokens = async (finalSoftcap: number, temperature: number) => {
      const options = { maxTokens: 12, temperature, seed: 1, stopIds: new Set<number>() };
      const made: number[] = [];
      for await (const token of generate(device, { ...plain, finalSoftcap }, [7, 8], options)) made.push(token);
      return made;
    };
    expect(await tokens(CAP, 0)).toEqual(await tokens(0, 0));
    // At a low temperature the greatest is as good as certain, unless the cap has made all of them nearly equal.
    expect(await tokens(0, 1e-4)).toEqual(await tokens(0, 0));
    expect(await tokens(1e-6, 1e-4)).not.toEqual(await tokens(0, 0));
  });
});
