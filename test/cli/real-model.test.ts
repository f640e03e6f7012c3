/** A small model that somebody really trained, where its files are at hand: generation, and fine-tuning on text. */
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readJsonFile, readLines, succeed, temporaryFolder, writeRecords } from "./support.ts";

const MODEL = fileURLToPath(new URL("../../../shared/data/stories260K", import.meta.url));

/** Sentences of one small world, none of them twice. */
function sentences(first: number, count: number): { text: string }[] {
  const animals = ["fox", "hen", "bear", "frog", "duck", "goat", "mouse"];
  const foods = ["soup", "bread", "jam", "corn", "cake"];
  return Array.from({ length: count }, (_, i) => {
    const n = first + i;
    const [animal, food] = [animals[n % animals.length], foods[n % foods.length]];
    return { text: `The ${animal} lived in the red barn number ${n}. Every day the ${animal} ate ${food} and sang.` };
  });
}

// The model is somebody else's work and not part of this repository.
describe.skipIf(!existsSync(path.join(MODEL, "model.safetensors")))("stories260K", () => {
  it("goes on from its first token exactly as in its author's own test", async () => {
    const { ids } = readJsonFile(MODEL, "expected_greedy.json");
    const [bos, ...expected] = ids;
    const line = ["generate", "--model", MODEL, "--tokens", String(bos), "--max-tokens", String(expected.length)];
    const { out } = await succeed(...line, "--ignore-eos", "--json");
    const { tokens, text } = JSON.parse(out);
    expect([bos, ...tokens]).toEqual(ids);
    expect(text).toMatch(/^Once upon a time/);
    const streamed = await succeed(...line, "--ignore-eos");
    expect(streamed.out).toBe(`${text}\n`);
  });

  it("learns from text: the validation loss falls", async () => {
    const folder = temporaryFolder();
    const data = writeRecords(path.join(folder, "train.jsonl"), sentences(0, 35));
    writeRecords(path.join(folder, "valid.jsonl"), sentences(35, 7));
    const out = path.join(folder, "out");
    const flags = ["--steps", "20", "--batch-size", "4", "--learning-rate", "5e-3", "--steps-per-eval", "10"];
    const ran = await succeed("train", "--model", MODEL, "--data", folder, "--adapter-path", out, ...flags);
    expect(ran.out).toContain("validation loss");
    const { validations } = readJsonFile(out, "run.json");
    const losses = validations.map(({ loss }: { loss: number }) => loss);
    expect(losses.length).toBe(3);
    expect(losses.at(-1)).toBeLessThan(0.6 * losses[0]);

    const evaluate = async (...adapter: string[]) => {
      const valid = path.join(folder, "valid.jsonl");
      return JSON.parse((await succeed("eval", "--model", MODEL, "--data", valid, "--json", ...adapter)).out).loss;
    };
    expect(await evaluate("--adapter-path", out)).toBeCloseTo(Math.min(...losses), 5);
    expect(await evaluate()).toBeCloseTo(losses[0], 5);
    expect(existsSync(data)).toBe(true);
  });

  it("is given a learning rate by find-rate that lies well below the turn and trains better than a tenth of it", async () => {
    const folder = temporaryFolder();
    writeRecords(path.join(folder, "train.jsonl"), sentences(0, 35));
    writeRecords(path.join(folder, "valid.jsonl"), sentences(35, 7));
    const files = ["--model", MODEL, "--data", folder, "--batch-size", "4"];
    const found = JSON.parse((await succeed("find-rate", ...files, "--updates", "40", "--json")).out);
    expect(found.rate).toBeGreaterThan(5e-4);
    expect(found.rate).toBeLessThan(5e-3);
    expect(found.rate).toBeLessThanOrEqual(found.bestAt / 3.9);
    const lossAt = async (rate: number) => {
      const out = path.join(folder, String(rate));
      const line = ["train", ...files, "--adapter-path", out, "--steps", "16", "--learning-rate", String(rate)];
      await succeed(...line, "--steps-per-eval", "16", "--steps-per-sample", "0");
      return readLines(path.join(out, "metrics.jsonl")).at(-1)!.loss;
    };
    expect(await lossAt(found.rate)).toBeLessThan(await lossAt(found.rate / 10));
  });
});
