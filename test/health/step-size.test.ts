/** The judgement of rate times scale, on recipes that are known to work and on the run that is known to have failed. */
import { expect, it } from "vitest";
import { formatSetting } from "../../src/core/units.ts";
import { judgeStepSize, type StepSize } from "../../src/health/step-size.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { PRESET_NAMES, presetKnobs } from "../../src/train/presets.ts";

const DEMO = 2_226_240;
const recipe = (learningRate: number, alpha: number, rank: number, parameters: number): StepSize => ({
  ...{ learningRate, alpha, rank, parameters },
  useRslora: false,
});

it.each<[string, StepSize]>([
  ["the post-mortem's run, mended", recipe(2e-5, 160, 8, 7.24e9)],
  ["PEFT's benchmark", recipe(1e-4, 64, 32, 3.21e9)],
  ["PEFT's benchmark with rsLoRA, scale 8", { ...recipe(1e-4, 64, 64, 3.21e9), useRslora: true }],
  ["unsloth, scale 1", recipe(2e-4, 16, 16, 8.03e9)],
  ["unsloth, scale 2, a small model", recipe(2e-4, 32, 16, 5e8)],
  ["unsloth, scale 2, a large model", recipe(2e-4, 32, 16, 7e10)],
  ["mlx-lm's defaults, 7B", recipe(1e-5, 160, 8, 7.24e9)],
  ["mlx-lm's defaults, 0.5B", recipe(1e-5, 160, 8, 4.94e8)],
  ["the demo, recommended", recipe(3e-3, 16, 8, DEMO)],
  ["the demo, cautious", recipe(1e-3, 16, 8, DEMO)],
])("%s is good", (_, settings) => {
  const finding = judgeStepSize(settings);
  expect(finding).toMatchObject({ id: "step-size", level: "good" });
  expect(finding.fix).toBeUndefined();
});

it("finds every preset good at every size", () => {
  for (const parameters of [260e3, DEMO, 15e6, 25e6, 1.35e8, 4.94e8, 5.96e8, 1.1e9, 3.2e9, 8e9]) {
    for (const name of PRESET_NAMES) {
      const { learningRate, alpha, rank } = resolveConfig(presetKnobs(name, parameters), "preset");
      expect(judgeStepSize({ learningRate, alpha, rank, parameters, useRslora: false }).level).toBe("good");
    }
  }
});

it("has one rate for a model and a scale: the finding names the one that a preset sets", () => {
  for (const parameters of [DEMO, 1.35e8, 7.24e9]) {
    const { learningRate, alpha, rank } = resolveConfig(presetKnobs("standard", parameters), "preset");
    const finding = judgeStepSize({ learningRate: 0.5, alpha, rank, parameters, useRslora: false });
    expect(finding.fix).toBe(`Set the learning rate to ${formatSetting(learningRate)}.`);
  }
  // At ten times the scale a tenth of the rate.
  expect(judgeStepSize(recipe(0.5, 160, 8, DEMO)).fix).toBe("Set the learning rate to 3e-4.");
});

it("calls the post-mortem's run bad, with the number, the band, and a rate that would have done", () => {
  const finding = judgeStepSize(recipe(2e-4, 160, 8, 7.24e9));
  expect(finding.level).toBe("bad");
  expect(finding.evidence).toContain(
    "Learning rate 2e-4 × scale 20 is 0.004; what works for 7.2 billion parameters is about 1e-5 to 0.001",
  );
  expect(finding.fix).toMatch(/^Set the learning rate to [12]e-5\.$/);
});

it.each<[string, StepSize, string]>([
  ["the demo at ten times its rate", recipe(3e-2, 16, 8, DEMO), "bad"],
  ["the demo at four times its rate", recipe(1.2e-2, 16, 8, DEMO), "warn"],
  ["the demo's rate on a large model", recipe(3e-3, 16, 8, 7.24e9), "bad"],
  ["a scale forgotten", recipe(2e-4, 128, 8, 7.24e9), "bad"],
  ["a high rate at 0.5B", recipe(2e-3, 16, 8, 4.94e8), "warn"],
  ["a rate of full fine-tuning, small", recipe(1e-6, 16, 8, 7.24e9), "note"],
  ["a slip", recipe(2e-8, 16, 8, 7.24e9), "warn"],
])("%s is %s", (_, settings, level) => {
  const finding = judgeStepSize(settings);
  expect(finding.level).toBe(level);
  // The rate it names is one that it finds good.
  const learningRate = Number(finding.fix?.match(/[\d.e-]+\d/)?.[0]);
  expect(judgeStepSize({ ...settings, learningRate }).level).toBe("good");
});

it("counts the scale, not alpha: rsLoRA's is larger", () => {
  const settings = recipe(2e-4, 64, 64, 7.24e9);
  expect(judgeStepSize(settings).level).toBe("good");
  expect(judgeStepSize({ ...settings, useRslora: true }).level).toBe("warn");
});
