/** The bench's training step in jax-js makes the engine's losses, and a step that is another is given no ratio. */
import { expect, it } from "vitest";
import { compared, compareStep, LOSS_TOLERANCE, type StepSide } from "../../../src/cli/bench/peers/compare-step.ts";
import { openJax } from "../../../src/cli/bench/peers/jax.ts";
import { offerGpu } from "../../../src/cli/bench/peers/library.ts";
import { putMeterOn } from "../../../src/cli/bench/peers/meter.ts";
import { showPeers } from "../../../src/cli/bench/peers/show.ts";
import { STEP_MODEL } from "../../../src/cli/bench/training-step.ts";
import { testDevice } from "../../support/device.ts";
import { testGpu } from "../../support/gpu.ts";

const model = {
  ...STEP_MODEL,
  ...{
    vocab_size: 32,
    hidden_size: 16,
    intermediate_size: 24,
    num_hidden_layers: 1,
    num_attention_heads: 4,
    head_dim: 4,
  },
};

it("makes the same losses in jax-js, step by step", async () => {
  offerGpu(testGpu());
  const device = await testDevice();
  const meter = putMeterOn();
  try {
    const library = await openJax();
    const options = { rounds: 1, signal: new AbortController().signal, onProgress: () => {} };
    const { ours, theirs, apart, ratio } = await compareStep(
      device,
      library,
      meter,
      { model, rows: 2, tokens: 8 },
      options,
    );
    expect(ours.losses).toHaveLength(3);
    expect(theirs.losses).toHaveLength(3);
    expect(apart).toBeLessThan(1e-5);
    // They change far more from step to step than the two differ.
    expect(ours.losses[0]! - ours.losses[2]!).toBeGreaterThan(10 * apart);
    expect(ratio).toBeGreaterThan(0);
    expect(ours.dispatches).toBeGreaterThan(0);
    expect(theirs.dispatches).toBeGreaterThan(ours.dispatches);
    expect(theirs.peakBytes).toBeGreaterThan(0);
  } finally {
    meter.remove();
  }
});

const side = (losses: readonly number[], tokensPerSecond: number): StepSide => ({
  ...{ tokensPerSecond, coldSeconds: 1, dispatches: 10, submits: 1, peakBytes: 1000, losses },
});

it("gives a ratio only where the losses agree", () => {
  const ours = side([2, 1], 300);
  const shown = (theirs: StepSide) => {
    const step = compared(ours, theirs);
    return [
      step.ratio,
      showPeers({ device: "", libraries: [], problems: [], products: null, step, decoding: null, mlx: null }),
    ];
  };
  const [ratio, text] = shown(side([2, 1 + LOSS_TOLERANCE / 2], 200));
  expect(ratio).toBe(1.5);
  expect(text).toContain("1.50 times the tokens/s of jax-js");

  for (const losses of [[2, 1.01], [2], [2, Number.NaN]]) {
    const [none, words] = shown(side(losses, 200));
    expect(none).toBeNull();
    expect(words).toContain("No ratio: losses differ");
    expect(words).not.toContain("tokens/s");
  }
});
