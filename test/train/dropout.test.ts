/** Every micro-batch of a run drops something else, and only where it trains. */
import { expect, it } from "vitest";
import { configOf, fixtureAdapter, losses, mainExamples, openSession, runOf } from "./support.ts";

it("draws another mask for every micro-batch of every update", async () => {
  const session = await openSession();
  const [only] = await mainExamples();
  const initial = await fixtureAdapter("random");
  // At this rate no number moves, so that the losses of the updates differ by their masks alone.
  const knobs = { batchSize: 1, learningRate: 1e-30, stepsPerEval: 1 };
  const run = async (dropout: number, changes: object) => {
    const config = configOf({ ...knobs, dropout, ...changes });
    return runOf(session, { config, train: [only!, only!], valid: [only!], initial });
  };
  const none = await run(0, { steps: 4 });
  expect(new Set(losses(none)).size).toBe(1);
  const dropped = await run(0.3, { steps: 4 });
  expect(new Set(losses(dropped)).size).toBe(4);
  expect(dropped.done.adapter.factors).toEqual(none.done.adapter.factors);
  // An update of two micro-batches has the two masks that two updates of one have.
  const [first, second, third, fourth] = losses(dropped) as [number, number, number, number];
  const pairs = await run(0.3, { steps: 2, gradAccumulationSteps: 2 });
  expect(losses(pairs)[0]).toBeCloseTo((first + second) / 2, 6);
  expect(losses(pairs)[1]).toBeCloseTo((third + fourth) / 2, 6);
  // Validation sees the whole model, and so its loss is that without dropout.
  expect(dropped.validations.map(({ loss }) => loss)).toEqual(none.validations.map(({ loss }) => loss));
  expect(none.validations[0]!.loss).toBeCloseTo(losses(none)[0]!, 6);
});
