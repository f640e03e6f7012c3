/** Answers: the oracle's greedy tokens, the cache against none, sampling, and where an answer ends. */
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../src/core/random.ts";
import { argmax, type GenerateOptions, sample } from "../../src/train/generate.ts";
import type { TrainingSession } from "../../src/train/session.ts";
import { fixtureJson } from "../support/golden.ts";
import { fixtureAdapter, mainExamples, openSession } from "./support.ts";

const { lists } = fixtureJson("llama/manifest.json");
const NEVER: ReadonlySet<number> = new Set();
const SIZE = 128;

describe("generation", () => {
  let session: TrainingSession;
  let prompt: number[];
  beforeAll(async () => {
    session = await openSession();
    prompt = [...(await mainExamples())[0]!.ids.subarray(0, 8)];
  });

  async function tokens(from: readonly number[], options: Partial<GenerateOptions> = {}): Promise<number[]> {
    const made: number[] = [];
    for await (const token of session.generate(from, { maxTokens: 32, stopIds: NEVER, ...options })) made.push(token);
    return made;
  }

  it("is greedy as the oracle is, without and with an adapter, and gives its memory back", async () => {
    const base = await tokens(prompt);
    expect(base).toEqual(lists["generate.base.tokens"].values);
    const live = session.device.memory.live;
    expect(await tokens(prompt)).toEqual(base);
    expect(session.device.memory.live).toBe(live);
    session.setAdapter(await fixtureAdapter("random"));
    expect(await tokens(prompt)).toEqual(lists["generate.lora.tokens"].values);
    session.removeAdapter();
  });

  it("with its cache gives what whole forward passes give", async () => {
    const sequence = [...prompt];
    for (let i = 0; i < 12; i++) {
      const logits = await session.logits(sequence);
      sequence.push(argmax(logits.subarray(-320)));
    }
    expect(await tokens(prompt, { maxTokens: 12 })).toEqual(sequence.slice(prompt.length));
    // Also from a prompt of one token.
    const short = [7];
    for (let i = 0; i < 4; i++) short.push(argmax((await session.logits(short)).subarray(-320)));
    expect(await tokens([7], { maxTokens: 4 })).toEqual(short.slice(1));
  });

  it("samples by the seed, and near temperature 0 as the greedy one", async () => {
    const warm = { temperature: 1.5, maxTokens: 12 };
    const first = await tokens(prompt, { ...warm, seed: 1 });
    expect(await tokens(prompt, { ...warm, seed: 1 })).toEqual(first);
    expect(await tokens(prompt, { ...warm, seed: 2 })).not.toEqual(first);
    expect(await tokens(prompt, { temperature: 1e-4, seed: 1 })).toEqual(lists["generate.base.tokens"].values);
  });

  it("ends with a stop id, which it gives too; by default with the model's own", async () => {
    const whole: number[] = lists["generate.base.tokens"].values;
    const stop = whole[5]!;
    const end = whole.indexOf(stop);
    expect(await tokens(prompt, { stopIds: new Set([stop]) })).toEqual(whole.slice(0, end + 1));
    const own: number[] = [];
    for await (const token of session.generate(prompt, { maxTokens: 3 })) own.push(token);
    expect(session.model.config.eos_token_id).toEqual([2]);
    expect(own).toEqual(whole.slice(0, 3));
  });

  it("fills the model's positions to the last and no further", async () => {
    const long = Array.from({ length: SIZE - 3 }, (_, i) => 10 + ((7 * i) % 300));
    // The last token made needs no position of its own.
    expect(await tokens(long, { maxTokens: 3 })).toHaveLength(3);
    expect(await tokens(long, { maxTokens: 99 })).toHaveLength(4);
    expect(await tokens([...long, 1, 2], { maxTokens: 99 })).toHaveLength(2);
    expect(await tokens(prompt, { maxTokens: 0 })).toEqual([]);
    expect(await tokens(prompt, { maxTokens: 1 })).toEqual(lists["generate.base.tokens"].values.slice(0, 1));
  });

  it("refuses prompts that cannot be: empty, too long, outside the vocabulary", async () => {
    await expect(tokens([])).rejects.toThrow("the prompt is empty");
    await expect(tokens(Array.from({ length: SIZE }, () => 5))).rejects.toThrow(
      "128 tokens, the model has room for 128",
    );
    for (const id of [320, -1, 1.5])
      await expect(tokens([5, id])).rejects.toThrow(`token ${id} is not in the vocabulary of 320`);
    await expect(session.logits([])).rejects.toThrow("empty sequence");
  });

  it("stops when it is told to, and gives its cache back", async () => {
    const stop = new AbortController();
    const live = session.device.memory.live;
    const made: number[] = [];
    const run = async () => {
      for await (const token of session.generate(prompt, { maxTokens: 32, stopIds: NEVER, signal: stop.signal })) {
        if (made.push(token) === 3) stop.abort();
      }
    };
    await expect(run()).rejects.toThrow(/abort/i);
    expect(made).toHaveLength(3);
    expect(session.device.memory.live).toBe(live);
  });
});

describe("choosing a token", () => {
  it("greedily takes the first of the greatest", () => {
    expect(argmax(Float32Array.of(1, 3, 2, 3))).toBe(1);
    expect(argmax(Float32Array.of(Number.NEGATIVE_INFINITY))).toBe(0);
  });

  it("at a temperature draws from softmax(logits / temperature)", () => {
    const logits = Float32Array.of(80, 81, 79, Number.NEGATIVE_INFINITY, 80.5);
    const temperature = 0.7;
    const weights = [...logits].map((logit) => Math.exp((logit - 81) / temperature));
    const total = weights.reduce((a, b) => a + b, 0);
    const random = new Random(11);
    const draws = 20_000;
    const counts = new Array<number>(logits.length).fill(0);
    for (let i = 0; i < draws; i++) counts[sample(logits, temperature, random)]! += 1;
    for (const [i, weight] of weights.entries()) {
      const p = weight / total;
      // Within five standard errors; what has no probability is never drawn.
      expect(Math.abs(counts[i]! / draws - p)).toBeLessThanOrEqual(5 * Math.sqrt((p * (1 - p)) / draws));
    }
  });
});
