/** What every family must show against transformers + peft. One call per golden folder. */
import { beforeAll, describe, expect, it, vi } from "vitest";
import { canRun } from "../../src/gpu/kernel.ts";
import { Program } from "../../src/gpu/program.ts";
import type { WebGpuDevice } from "../../src/gpu/webgpu.ts";
import { type AttachedLora, attachAdapter, readFactors } from "../../src/lora/attach.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { loadModel } from "../../src/models/load.ts";
import type { CausalLM } from "../../src/models/model.ts";
import { MATMULS } from "../../src/ops/matmul.ts";
import type { Layout, MatmulForm } from "../../src/ops/matmul-forms.ts";
import { Adamw } from "../../src/optim/adamw.ts";
import { fuseAndProve } from "../../src/train/fuse/fuse.ts";
import { computeLogits } from "../../src/train/logits.ts";
import { recordEvaluation, recordMicroBatch } from "../../src/train/step.ts";
import { store } from "../train/fuse-support.ts";
import { relativeL2 } from "./compare.ts";
import { testDevice } from "./device.ts";
import {
  fixtureFolder,
  fixtureJson,
  fixtureTensors,
  flatten,
  type NamedTensor,
  type PaddedBatch,
  paddedBatch,
  unpadRows,
} from "./golden.ts";

const FORMS = MATMULS.flatMap((kernel) => kernel.forms as readonly MatmulForm[]).filter(({ units }) => units === 0);
const wideOf = (layout: Layout) => FORMS.find((form) => form.layout === layout && form.size === "wide")!;
/** "nt broadcast" → "broadcast" */
const shapeName = (form: string): string => form.slice(form.indexOf(" ") + 1);

const LOGITS = 2e-5;
const GRADIENTS = 5e-5;

/** How a family is tested beyond what all must show. */
export interface ContractOptions {
  /** Gradients in every other form of the kernels, too: for one family with many shapes it is enough. */
  readonly forms?: boolean;
}

export function modelContract(folder: string, { forms = false }: ContractOptions = {}): void {
  describe(`${folder} equals transformers + peft`, () => {
    let device: WebGpuDevice;
    let golden: Map<string, NamedTensor>;
    let inputs: Map<string, NamedTensor>;
    let main: PaddedBatch;
    const manifest = fixtureJson(`${folder}/manifest.json`);

    const load = async (): Promise<CausalLM> => {
      const model = await loadModel(fixtureFolder(folder), device);
      model.rope.ensure(device, main.width);
      return model;
    };
    const adapted = async (adapter: string): Promise<{ model: CausalLM; lora: AttachedLora }> => {
      const model = await load();
      const read = await importAdapter(fixtureFolder(`${folder}/adapters/${adapter}`));
      return { model, lora: attachAdapter(model.tree, device, read, { trainable: true }) };
    };

    beforeAll(async () => {
      device = await testDevice();
      golden = await fixtureTensors(`${folder}/golden.safetensors`);
      inputs = await fixtureTensors(`${folder}/inputs.safetensors`);
      main = paddedBatch(inputs, "main");
    });

    it("gives the base model's logits and per-token losses", async () => {
      const model = await load();
      const logits = await computeLogits(device, model, flatten(main));
      const error = relativeL2(logits, unpadRows(golden.get("base.logits")!, main));
      expect(error).toBeLessThan(LOGITS);
      // The control: the adapter's logits are not the base's.
      expect(relativeL2(logits, unpadRows(golden.get("lora.logits")!, main))).toBeGreaterThan(0.1);

      const program = new Program();
      const nll = program.readFloats(recordEvaluation(program, model, flatten(main)));
      await device.run(program);
      const expected = golden.get("base.nll")!.values.filter((loss) => loss !== 0);
      expect(relativeL2(await nll, expected)).toBeLessThan(LOGITS);
    });

    it("gives the adapted logits, the loss and the gradient of every lora_A and lora_B", async () => {
      const { model, lora } = await adapted("random");
      const logits = await computeLogits(device, model, flatten(main));
      expect(relativeL2(logits, unpadRows(golden.get("lora.logits")!, main))).toBeLessThan(LOGITS);
      const { loss, gradients } = await oneStep(device, model, lora, [flatten(main)], 0);
      expect(Math.abs(loss - manifest.scalars["lora.loss"].value)).toBeLessThan(2e-4);
      expectGradients(gradients, golden, "lora.grad");
    });

    it("gives the same gradients with none, some and all blocks recomputed, bit for bit", async () => {
      const { model, lora } = await adapted("random");
      const all = model.config.num_hidden_layers;
      expect(all).toBeGreaterThan(1);
      const dispatches: number[] = [];
      let kept: Float32Array | null = null;
      for (let recomputed = 0; recomputed <= all; recomputed++) {
        const before = device.counters.dispatches;
        const { values } = await oneStep(device, model, lora, [flatten(main)], recomputed);
        dispatches.push(device.counters.dispatches - before);
        kept ??= values;
        expect(values).toEqual(kept);
      }
      // The control: each block more is more work.
      expect(dispatches.every((count, i) => i === 0 || count > dispatches[i - 1]!)).toBe(true);
    });

    // The narrow form stands beside each wide one, so that every layout and size has another one.
    const wide = [...new Set(FORMS.filter(({ size }) => size !== "narrow").map(({ name }) => shapeName(name)))];
    if (forms)
      it.for(wide)("gives the same gradients with its products in the form %s", async (shape, { skip }) => {
        const taken = FORMS.filter(({ name, size }) => size === "narrow" || shapeName(name) === shape);
        if (!taken.every((form) => canRun(form, device))) return skip("this adapter cannot run it");
        const { model, lora } = await adapted("random");
        for (const form of taken) device.forms.add(form);
        // The model is too small for a tall form; here it takes all that any wide one takes.
        const spies = taken
          .filter(({ size }) => size === "tall")
          .map((form) => vi.spyOn(form, "suits").mockImplementation(wideOf(form.layout).suits));
        try {
          const { loss, gradients } = await oneStep(device, model, lora, [flatten(main)], 0);
          expect(Math.abs(loss - manifest.scalars["lora.loss"].value)).toBeLessThan(2e-4);
          expectGradients(gradients, golden, "lora.grad");
          // Of a low-rank factor's gradient nothing is tall.
          const used = spies.filter(({ mock }) => mock.results.some(({ value }) => value));
          expect(used.length > 0).toBe(spies.length > 0);
        } finally {
          device.forms.clear();
          for (const spy of spies) spy.mockRestore();
        }
      });

    it("gives the gradients of an adapter in rank-stabilised scale", async () => {
      const { model, lora } = await adapted("rslora");
      const { gradients } = await oneStep(device, model, lora, [flatten(main)], 0);
      expectGradients(gradients, golden, "rslora.grad");
    });

    it("gives DoRA's logits, loss and gradients, magnitudes and all, and the same logits merged", async () => {
      const { model, lora } = await adapted("dora");
      const logits = await computeLogits(device, model, flatten(main));
      const expected = unpadRows(golden.get("dora.logits")!, main);
      expect(relativeL2(logits, expected)).toBeLessThan(LOGITS);
      const { loss, gradients } = await oneStep(device, model, lora, [flatten(main)], 0);
      expect(Math.abs(loss - manifest.scalars["dora.loss"].value)).toBeLessThan(2e-4);
      expectGradients(gradients, golden, "dora.grad");
      const again = await oneStep(device, model, lora, [flatten(main)], model.config.num_hidden_layers);
      expect(again.gradients).toEqual(gradients);

      const adapter = await importAdapter(fixtureFolder(`${folder}/adapters/dora`));
      const target = store();
      const { checks } = await fuseAndProve({ device, source: fixtureFolder(folder), adapter }, target);
      expect(checks.filter(({ passed }) => !passed)).toEqual([]);
      const merged = await loadModel(target.written, device);
      merged.rope.ensure(device, main.width);
      const found = await computeLogits(device, merged, flatten(main));
      expect(relativeL2(found, unpadRows(golden.get("dora_merged.logits")!, main))).toBeLessThan(LOGITS);

      // The control: without its magnitudes it is another adapter.
      const plain = { ...adapter, factors: adapter.factors.map(({ magnitude: _, ...factor }) => factor) };
      const bare = await load();
      attachAdapter(bare.tree, device, plain, { trainable: false });
      expect(relativeL2(await computeLogits(device, bare, flatten(main)), expected)).toBeGreaterThan(0.01);
    });

    it("accumulates micro-batches by supervised tokens", async () => {
      const { model, lora } = await adapted("random");
      const { loss, gradients } = await oneStep(device, model, lora, [flatten(main, [0]), flatten(main, [1])], 0);
      expect(Math.abs(loss - manifest.scalars["accum.loss"].value)).toBeLessThan(2e-4);
      // The control: the mean of means, which other trainers compute, is something else.
      expect(Math.abs(loss - manifest.scalars["accum.naive_mean_of_means_loss"].value)).toBeGreaterThan(1e-3);
      expectGradients(gradients, golden, "accum.grad");
    });

    it.each(["train", "sched"])("follows 20 updates of %s: losses, norms, final logits", async (run) => {
      const { model, lora } = await adapted("init");
      const optimizer = new Adamw(device, lora.parameters, lora.gradients!);
      const { [`${run}.losses`]: losses, [`${run}.grad_norms`]: norms, [`${run}.lrs`]: rates } = manifest.lists;
      for (let step = 0; step < 20; step++) {
        const batch = flatten(paddedBatch(inputs, "train", step % 4));
        const program = new Program();
        program.clear(lora.gradients!);
        const options = { updateTokens: batch.rows.length, recomputed: 0 };
        const nll = program.readFloats(recordMicroBatch(program, model, batch, options));
        const report = optimizer.record(program, {
          learningRate: rates.values[step],
          weightDecay: 0.01,
          beta1: 0.9,
          beta2: 0.999,
          eps: 1e-8,
          maxGradNorm: run === "sched" ? 0.5 : 0,
        });
        await device.run(program);
        expect(Math.abs(mean(await nll) - losses.values[step])).toBeLessThan(5e-4);
        expect(Math.abs((await report).gradNorm - norms.values[step])).toBeLessThan(5e-4);
      }
      const logits = await computeLogits(device, model, flatten(main));
      expect(relativeL2(logits, unpadRows(golden.get(`${run}.final_logits`)!, main))).toBeLessThan(5e-4);
    });
  });
}

const mean = (values: Float32Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Loss and gradients of one update over micro-batches, from the flat gradient buffer. */
async function oneStep(
  device: WebGpuDevice,
  model: CausalLM,
  lora: AttachedLora,
  batches: readonly ReturnType<typeof flatten>[],
  recomputed: number,
) {
  const updateTokens = batches.reduce((sum, batch) => sum + batch.rows.length, 0);
  let total = 0;
  const clear = new Program();
  clear.clear(lora.gradients!);
  await device.run(clear);
  for (const batch of batches) {
    const program = new Program();
    const nll = program.readFloats(recordMicroBatch(program, model, batch, { updateTokens, recomputed }));
    await device.run(program);
    total += (await nll).reduce((sum, loss) => sum + loss, 0);
  }
  const program = new Program();
  const read = program.readFloats(lora.gradients!);
  await device.run(program);
  const values = await read;
  return { loss: total / updateTokens, values, gradients: readFactors(lora, values) };
}

function expectGradients(
  gradients: ReturnType<typeof readFactors>,
  golden: Map<string, NamedTensor>,
  prefix: string,
): void {
  const names = [...golden.keys()].filter((name) => name.startsWith(`${prefix}.`));
  expect(names.length).toBe((gradients[0]!.magnitude ? 3 : 2) * gradients.length);
  for (const { module, A, B, magnitude } of gradients) {
    const factors = { lora_A: A, lora_B: B, ...(magnitude ? { lora_magnitude_vector: magnitude } : {}) };
    for (const [factor, values] of Object.entries(factors)) {
      const name = `${prefix}.${module}.${factor}.weight`;
      expect(relativeL2(values, golden.get(name)!.values), name).toBeLessThan(GRADIENTS);
    }
  }
}
