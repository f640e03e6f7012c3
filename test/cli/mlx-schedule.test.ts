import { describe, expect, it } from "vitest";
import { readYamlConfig } from "../../src/cli/yaml-config.ts";
import { LorikeetError } from "../../src/core/errors.ts";
import type { TrainConfig } from "../../src/train/config.ts";

const read = (text: string, flags: Partial<TrainConfig> = {}) => readYamlConfig(text, "lora.yaml", flags);
const knobs = (text: string, flags: Partial<TrainConfig> = {}) => read(text, flags).knobs;
const notes = (text: string, flags: Partial<TrainConfig> = {}) => read(text, flags).notes.join("\n");

function refusal(text: string, flags: Partial<TrainConfig> = {}): string {
  try {
    read(text, flags);
  } catch (error) {
    expect(error).toBeInstanceOf(LorikeetError);
    expect((error as LorikeetError).kind).toBe("config");
    expect((error as LorikeetError).message).toMatch(/^lora\.yaml: /);
    return (error as LorikeetError).message;
  }
  throw new Error("was accepted");
}

describe("lr_schedule", () => {
  const schedule = (inner: string, iters = 1000) => `iters: ${iters}\nlr_schedule: {${inner}}`;

  it("maps a cosine and a straight line that end at 0 with the run", () => {
    const cosine = schedule("name: cosine_decay, warmup: 50, arguments: [2e-4, 950, 0.0]");
    expect(knobs(cosine)).toMatchObject({ lrSchedule: "cosine", learningRate: 2e-4, warmup: 50 });
    expect(notes(cosine)).not.toContain("lr_schedule");
    const linear = schedule("name: linear_schedule, arguments: [1e-4, 0, 1000]");
    expect(knobs(linear)).toMatchObject({ lrSchedule: "linear", learningRate: 1e-4, warmup: 0 });
    const level = schedule("name: linear_schedule, warmup: 10, arguments: [1e-4, 1e-4, 7]");
    expect(knobs(level)).toMatchObject({ lrSchedule: "constant", warmup: 10 });
  });

  it("takes mlx-lm's own example, noting how far it is off", () => {
    const example = schedule("name: cosine_decay, warmup: 100, warmup_init: 1e-7, arguments: [1e-5, 1000, 1e-7]");
    expect(knobs(example)).toMatchObject({ lrSchedule: "cosine", learningRate: 1e-5, warmup: 100 });
    expect(notes(example)).toContain("up to 10 % of the peak; the same would be arguments: [1e-5, 900, 0]");
  });

  it("knows that mlx-lm begins to fall one update after the warm-up", () => {
    // sin(pi/2) * pi/2 / 15 of the peak, where the cosine is steepest
    const short = schedule("name: cosine_decay, warmup: 5, arguments: [1e-3, 15]", 20);
    expect(notes(short)).toContain("up to 10 % of the peak");
  });

  it("refuses a shape that ends elsewhere, with the arguments that would do", () => {
    const cut = schedule("name: cosine_decay, arguments: [1e-5, 100]");
    expect(refusal(cut)).toMatch(/line 2: lr_schedule: .*up to \d\d % of the peak.*arguments: \[1e-5, 1000, 0\]/);
    expect(refusal(schedule("name: linear_schedule, arguments: [1e-5, 9e-6, 1000]"))).toContain("differs");
    expect(refusal(schedule("name: cosine_decay, warmup: 10, warmup_init: 1e-5, arguments: [1e-5, 990]"))).toContain(
      "differs",
    );
  });

  it("counts updates: with accumulation a cosine over iters is refused, and accepted for a matching --steps", () => {
    const text = `grad_accumulation_steps: 4\n${schedule("name: cosine_decay, arguments: [1e-5, 1000]")}`;
    expect(refusal(text)).toContain("[1e-5, 250, 0]");
    expect(knobs(text, { steps: 1000 })).toMatchObject({ steps: 1000, lrSchedule: "cosine" });
    expect(knobs(text, { lrSchedule: "linear" })).toMatchObject({ lrSchedule: "linear", learningRate: 1e-5 });
  });

  it("notes that epochs decide where iters is missing", () => {
    expect(notes("lr_schedule: {name: cosine_decay, arguments: [1e-5, 100]}")).toContain("over the whole run");
  });

  it("sets the peak, not learning_rate", () => {
    const text = `learning_rate: 1e-3\n${schedule("name: cosine_decay, arguments: [1e-5, 1000]")}`;
    expect(knobs(text)).toMatchObject({ learningRate: 1e-5 });
    expect(notes(text)).toContain("learning_rate: not used, lr_schedule sets the peak to 1e-5");
  });

  it.each([
    ["name: step_decay, arguments: [1e-5, 0.9, 10]", "cosine_decay and linear_schedule are supported"],
    ["name: toString, arguments: []", "are supported"],
    ["arguments: [1, 2]", "lr_schedule.name"],
    ["name: cosine_decay, arguments: [1e-5]", "expected [peak, updates] or [peak, updates, end]"],
    ["name: linear_schedule, arguments: [1e-5, 0]", "expected [peak, end, updates]"],
    ["name: cosine_decay, arguments: [3, 100]", "lr_schedule.arguments, first"],
    ["name: cosine_decay, arguments: [1e-5, 0]", "lr_schedule.arguments, updates"],
    ["name: cosine_decay, arguments: [1e-5, 1000], warmup: x", "lr_schedule.warmup"],
    ["name: cosine_decay, arguments: [1e-5, 1000], warm: 3", "lr_schedule.warm: no such key"],
  ])("refuses {%s}", (inner, expected) => expect(refusal(schedule(inner))).toContain(expected));
});
