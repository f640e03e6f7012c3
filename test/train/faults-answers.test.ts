/**
 * Faults that show in what a model says, planted on the demo model, which speaks: each is named by the probes, and the
 * demo's own dataset, trained the same way, is healthy.
 */
import { stat } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { fileSource, folderSource } from "../../src/cli/node/folder.ts";
import { demoFolder } from "../../src/cli/node/package.ts";
import { memoryModel } from "../../src/core/bytes.ts";
import { readDataset } from "../../src/data/dataset.ts";
import type { DataRecord } from "../../src/data/records.ts";
import type { Answer } from "../../src/health/answers.ts";
import { exportMlx } from "../../src/lora/export.ts";
import { loadTokenizer } from "../../src/tokenizer/load.ts";
import { checkPrompts } from "../../src/train/check-prompts.ts";
import { type KnobName, resolveConfig } from "../../src/train/config.ts";
import type { TrainEvent } from "../../src/train/events.ts";
import { mannerOf, probesOf } from "../../src/train/probes.ts";
import { judgeCourse, newCourse, noteEvent } from "../../src/train/run-record.ts";
import { TrainingSession } from "../../src/train/session.ts";
import { testDevice } from "../support/device.ts";

let train: readonly DataRecord[];
let valid: readonly DataRecord[];
beforeAll(async () => {
  const open = async (name: string) => {
    const path = `${demoFolder()}/${name}`;
    return fileSource(path, (await stat(path)).size);
  };
  const dataset = await readDataset({ train: await open("train.jsonl"), valid: await open("valid.jsonl") });
  train = dataset.train.records;
  valid = dataset.valid!.records;
});

/** Small batches at a high rate: a handful of updates is enough to be heard. */
const KNOBS = { steps: 16, batchSize: 2, learningRate: 1e-2, warmup: 0, lrSchedule: "constant", stepsPerEval: 0 };

interface Setting {
  /** The dataset's answers are all this text. */
  readonly answer?: string;
  readonly knobs?: Partial<Record<KnobName, unknown>>;
  /** Another chat template. */
  readonly template?: string;
  /** Measure the voice, too, which takes as long as the training. */
  readonly voice?: boolean;
}

/** The questions are the same in every run, and so are the base's answers. */
const baseAnswers = new Map<string, Answer>();

/** A whole run on the demo model, from records to verdict. */
async function runWith({ answer, knobs, template, voice = false }: Setting) {
  const source = folderSource(demoFolder());
  const session = new TrainingSession(await testDevice());
  const plain = await loadTokenizer(source);
  const tokenizer = template === undefined ? plain : { ...plain, chatTemplates: new Map([["default", template]]) };
  await session.load(source, { tokenizer });
  const answering = (record: DataRecord): DataRecord =>
    record.kind === "conversation" && answer !== undefined
      ? {
          ...record,
          messages: record.messages.map((one) => (one.role === "assistant" ? { ...one, content: answer } : one)),
        }
      : record;
  const [own, held] = [train.map(answering), valid.map(answering)];
  const config = resolveConfig({ ...KNOBS, ...knobs }, "test");
  const { examples } = await session.encode({ name: "train", records: own, forms: {} }, config);
  const course = newCourse();
  const events: TrainEvent[] = [];
  const request = { config, train: examples, valid: [], probes: probesOf(held, 3) };
  const manner = voice ? mannerOf(own, held) : null;
  const base = template === undefined ? { baseAnswers } : {};
  for await (const event of session.train({
    ...request,
    ...base,
    manner,
    findings: await checkPrompts(session, own),
  })) {
    noteEvent(course, event);
    events.push(event);
  }
  const { adapter } = course.done!;
  course.checks = await session.verify(adapter, memoryModel("adapters", exportMlx(adapter)), examples, course.done);
  session.removeAdapter();
  return { ...course, ...judgeCourse(course)!, kinds: course.done!.answers!.symptoms.map(({ kind }) => kind) };
}

const MARKS = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}";
const ASKING = "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

describe("what a model says after training", () => {
  it("on the demo's own dataset: healthy, with a voice that comes nearer", async () => {
    const run = await runWith({ voice: true });
    expect(run.verdict).toBe("healthy");
    expect(run.health.filter(({ kind }) => kind !== "answers")).toEqual([]);
    expect(run.findings.filter(({ level }) => level === "bad" || level === "warn")).toEqual([]);
    expect(run.findings.find(({ id }) => id === "ends")).toMatchObject({ level: "good" });
    expect(run.voice!.tuned.score).toBeGreaterThan(run.voice!.base.score + 0.1);
    expect(run.checks.map(({ name }) => name)).toContain("the answers are coherent");
  });

  it("commas, learnt from a dataset of commas: collapsed, and the comma is named", async () => {
    const run = await runWith({ answer: ",".repeat(40) });
    expect(run.verdict).toBe("collapsed");
    expect(run.kinds).toContain("single-token run");
    expect(run.reason).toMatch(/comma|","/);
    expect(run.health.some(({ kind, level }) => kind === "answers" && level === "bad")).toBe(true);
  });

  it("nothing but <|endoftext|>, learnt from such a dataset: collapsed, and told from commas", async () => {
    const run = await runWith({ answer: "<|endoftext|>".repeat(24) });
    expect(run.verdict).toBe("collapsed");
    expect(["end-of-text at once", "special tokens only"]).toContain(run.kinds[0]);
  });

  it("answers without end, from a template that never ends a turn: warned of before, and named after", async () => {
    const run = await runWith({ template: `${MARKS}\n{% endfor %}${ASKING}`, knobs: { steps: 20 } });
    expect(run.findings.find(({ id }) => id === "ends")).toMatchObject({ level: "bad" });
    expect(run.verdict).toBe("suspicious");
    expect(run.kinds).toContain("answers do not end");
  });
});

describe("the post-mortem's learning rate", () => {
  it("is warned of before, caught within ten updates of the onset, rolled back, and the run ends below its start", async () => {
    const run = await runWith({ knobs: { steps: 48, batchSize: 1, learningRate: 0.1, warmup: 5 } });
    expect(run.findings.find(({ id }) => id === "step-size")!.level).toMatch(/warn|bad/);
    const [first] = run.health.filter(({ rollback }) => rollback);
    for (const { step, rollback } of run.health)
      if (rollback) expect(step - rollback.skippedUpdate).toBeLessThanOrEqual(10);
    const heights = run.steps.map(({ loss }) => loss);
    expect(Math.max(...heights.slice(0, first!.step))).toBeGreaterThan(1.5 * heights[0]!);
    const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
    expect(mean(heights.slice(-8))).toBeLessThan(mean(heights.slice(0, 3)));
    // Without the guard the same rate stays up there.
    const free = await runWith({ knobs: { steps: 24, batchSize: 1, learningRate: 0.1, warmup: 5, guard: false } });
    expect(mean(free.steps.slice(-8).map(({ loss }) => loss))).toBeGreaterThan(heights[0]!);
  });
});
