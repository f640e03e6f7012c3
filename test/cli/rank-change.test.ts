/** Ranks changed on the command line: by convert, and where training goes on from an adapter of another rank. */
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { folderSource } from "../../src/cli/node/folder.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { resizeAdapter } from "../../src/lora/resize.ts";
import { fixture } from "../lora/support.ts";
import { fixturePath } from "../support/golden.ts";
import { filesIn, goldenRecords, readJsonFile, readLines, succeed, temporaryFolder, writeRecords } from "./support.ts";

const MODEL = fixturePath("llama");
const RANDOM = fixturePath("llama/adapters/random");
const folder = temporaryFolder({ keep: true });
const at = (...parts: string[]) => path.join(folder, ...parts);
const data = at("train.jsonl");

beforeAll(async () => {
  writeRecords(data, await goldenRecords("llama", "train"));
});

const lossOf = async (adapter: string): Promise<number> =>
  JSON.parse((await succeed("eval", "--model", MODEL, "--data", data, "--json", "--adapter-path", adapter)).out).loss;

describe("convert --rank", () => {
  const line = (rank: number, out: string) => ["convert", RANDOM, "--to", "mlx", "--rank", `${rank}`, "--out", at(out)];

  it("to a smaller one: tells what is left out, layer by layer and in all", async () => {
    const { out, err } = await succeed(...line(2, "small"));
    const { error, layers } = resizeAdapter(await importAdapter(fixture("llama/adapters/random")), 2);
    const percent = (share: number) => `${Number((100 * share).toPrecision(2))} %`;
    expect(out).toMatch(/^layer +left out\n─/);
    for (const layer of layers) expect(out).toMatch(new RegExp(`^${layer.module} +${percent(layer.error)}$`, "m"));
    expect(out).toMatch(new RegExp(`^all layers +${percent(error)}$`, "m"));
    expect(err).toContain(`the adapter's rank 4 became 2: of its change ${percent(error)} is left out, most in model.`);
    expect(readJsonFile(at("small", "adapter_config.json"))).toMatchObject({ rank: 2, lora_parameters: { scale: 2 } });
    expect(Math.abs((await lossOf(at("small"))) - (await lossOf(RANDOM)))).toBeGreaterThan(1e-4);
  });

  it("to a larger one: the same model", async () => {
    const { out, err } = await succeed(...line(10, "large"));
    expect(err).toContain("the adapter's rank 4 became 10: which is exact\n");
    expect(out).not.toContain("left out");
    expect(readJsonFile(at("large", "adapter_config.json"))).toMatchObject({ rank: 10, lora_parameters: { scale: 2 } });
    expect(Math.abs((await lossOf(at("large"))) - (await lossOf(RANDOM)))).toBeLessThan(1e-6);
  });

  it("to its own: byte for byte what convert writes without", async () => {
    const { err } = await succeed(...line(4, "same"));
    expect(err).toBe("");
    expect(filesIn(at("same"))).toEqual(["adapter_config.json", "adapters.safetensors"]);
  });
});

describe("going on from an adapter under another rank", () => {
  const train = (out: string, ...flags: string[]) =>
    succeed(
      ...["train", "--model", MODEL, "--data", data, "--adapter-path", at(out), "--batch-size", "2", "--steps", "3"],
      ...["--learning-rate", "1e-4", "--resume-adapter-file", RANDOM, ...flags],
    );
  const firstLoss = (out: string) => readLines(at(out, "metrics.jsonl"))[0]!.loss;

  it("takes the adapter's where none is asked for", async () => {
    const { out } = await train("own");
    expect(readJsonFile(at("own", "run.json")).knobs).toMatchObject({ rank: 4, alpha: 8 });
    expect(out).not.toContain("became");
  });

  it("grows it: the first loss is the same, and the new directions learn", async () => {
    const { out } = await train("grown", "--rank", "6");
    expect(out).toMatch(/^note +the adapter's rank 4 became 6: which is exact$/m);
    expect(readJsonFile(at("grown", "run.json")).knobs).toMatchObject({ rank: 6, alpha: 12 });
    expect(Math.abs(firstLoss("grown") - firstLoss("own"))).toBeLessThan(1e-5);
    const { factors, scale } = await importAdapter(folderSource(at("grown")));
    expect(scale).toBe(2);
    for (const { module, B } of factors) {
      for (const k of [4, 5])
        expect(
          B.filter((_, i) => i % 6 === k).some((value) => value !== 0),
          module,
        ).toBe(true);
    }
  });

  it("cuts it to its largest directions, and says what that costs", async () => {
    const { out } = await train("cut", "--rank", "1", "--alpha", "2");
    expect(out).toMatch(/^note +the adapter's rank 4 became 1: of its change \d+ % is left out/m);
    // The control: here the loss tells that it is another model.
    expect(Math.abs(firstLoss("cut") - firstLoss("own"))).toBeGreaterThan(1e-3);
  });
});
