/** `lorikeet handoff`: a run begun here becomes a folder for other tools, and what those make is read again. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { folderSource } from "../../src/cli/node/folder.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { scheduledRate } from "../../src/train/config.ts";
import { fixturePath } from "../support/golden.ts";
import { filesIn, goldenRecords, lorikeet, readJsonFile, succeed, temporaryFolder, writeRecords } from "./support.ts";

const MODEL = fixturePath("llama");
const folder = temporaryFolder({ keep: true });
const at = (...parts: string[]) => path.join(folder, ...parts);
const KNOBS = ["--batch-size", "2", "--rank", "4", "--alpha", "12", "--learning-rate", "1e-3", "--num-layers", "1"];
const handoff = (out: string, ...flags: string[]) =>
  succeed("handoff", "--model", MODEL, "--data", at("train.jsonl"), "--out", at(out), ...flags);

beforeAll(async () => {
  writeRecords(at("train.jsonl"), await goldenRecords("llama", "train"));
  const train = ["train", "--model", MODEL, "--data", at("train.jsonl"), "--adapter-path", at("run"), ...KNOBS];
  await succeed(...train, "--steps", "4");
});

describe("of a run", () => {
  const script = () => readFileSync(at("job", "trl", "train.py"), "utf8");

  beforeAll(() => handoff("job", "--resume-adapter-file", at("run", "checkpoint.safetensors"), "--steps", "12"));

  it("has the adapter of the checkpoint, with the run's settings", async () => {
    const start = await importAdapter(folderSource(at("job", "trl", "start")));
    expect(start.factors).toEqual((await importAdapter(folderSource(at("run")))).factors);
    expect(start.factors.some(({ B }) => B.some((value) => value !== 0))).toBe(true);
    expect(readJsonFile(at("job", "trl", "start"), "adapter_config.json")).toMatchObject({
      ...{ r: 4, lora_alpha: 12, layers_to_transform: [1], base_model_name_or_path: path.resolve(MODEL) },
    });
  });

  it("does the updates that are left, from the rate that was reached", () => {
    const { knobs } = readJsonFile(at("run"), "run.json");
    const reached = scheduledRate({ ...knobs, steps: 12 }, 4, 12);
    expect(script()).toContain("max_steps=8,");
    // The warm-up of twelve updates is five: at the fourth the rate still rises.
    expect(reached).toBeLessThan(1e-3);
    expect(script()).toContain("learning_rate=0.001,");
    expect(readFileSync(at("job", "README.md"), "utf8")).toContain("Of 12 updates 4 are done.");
  });

  it("leaves out what mlx-lm cannot take, and says so", () => {
    expect(filesIn(at("job"))).toEqual(["README.md", "trl"]);
    expect(readFileSync(at("job", "README.md"), "utf8")).toContain("mlx-lm takes text or messages");
  });

  it("is read again when another tool has written its adapter there", async () => {
    const place = at("job", "trl", "adapters");
    mkdirSync(place);
    for (const name of filesIn(at("job", "trl", "start"))) {
      writeFileSync(path.join(place, name), readFileSync(at("job", "trl", "start", name)));
    }
    await succeed("convert", place, "--to", "mlx", "--out", at("back"), "--model", MODEL);
    expect((await importAdapter(folderSource(at("back")))).factors).toEqual(
      (await importAdapter(folderSource(at("run")))).factors,
    );
  });
});

it("begins a new adapter where there is none, on the layers that were asked for", async () => {
  const ran = await succeed("handoff", "--model", "demo", "--data", "public/demo", "--out", at("new"), ...KNOBS);
  expect(ran.out).toContain("config.yaml");
  const options = parse(readFileSync(at("new", "mlx", "config.yaml"), "utf8"));
  expect(options).toMatchObject({ num_layers: 1, resume_adapter_file: null, batch_size: 2 });
  expect(options.lora_parameters).toMatchObject({ rank: 4, scale: 3 });
  expect(options.lora_parameters.keys).toContain("mlp.down_proj");
  expect(path.isAbsolute(options.model)).toBe(true);
  expect(readFileSync(at("new", "trl", "train.py"), "utf8")).toContain("get_peft_model(model, LoraConfig(");
});

it("takes mlx-lm's configuration and gives it back", async () => {
  await handoff("whole", ...KNOBS);
  writeFileSync(
    at("lora.yaml"),
    "iters: 6\nbatch_size: 2\nlearning_rate: 1e-3\nlora_parameters: {rank: 2, scale: 5}\n",
  );
  const data = ["--data", "public/demo", "--config", at("lora.yaml")];
  await succeed("handoff", "--model", "demo", ...data, "--out", at("from-yaml"));
  const options = parse(readFileSync(at("from-yaml", "mlx", "config.yaml"), "utf8"));
  expect(options).toMatchObject({ iters: 6, batch_size: 2, lora_parameters: { rank: 2, scale: 5 } });
});

it.each([
  ["a folder that holds files", ["--out", at("run")], "the folder holds files"],
  ["a module that no layer has", ["--out", at("x"), "--target-modules", "w9"], "w9 matches no linear layer"],
  ["a checkpoint of another model", ["--out", at("x"), "--model", "demo"], "is of another model"],
])("refuses %s, and writes nothing", async (_, flags, message) => {
  const start = flags.includes("demo") ? ["--resume-adapter-file", at("run", "checkpoint.safetensors")] : [];
  const before = filesIn(at("run"));
  const all = ["handoff", "--model", MODEL, "--data", at("train.jsonl"), ...flags, ...start];
  const { status, err } = await lorikeet(all);
  expect(status).toBe(1);
  expect(err).toContain(message);
  expect(existsSync(at("x"))).toBe(false);
  expect(filesIn(at("run"))).toEqual(before);
});
