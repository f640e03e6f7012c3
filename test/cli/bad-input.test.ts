/** Bad input: one clear message, a status that is not zero, and nothing left behind. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { fixtureJson, fixturePath } from "../support/golden.ts";
import { filesIn, goldenRecords, lorikeet, succeed, temporaryFolder, writeRecords } from "./support.ts";

const MODEL = fixturePath("llama");
const folder = temporaryFolder({ keep: true });
const at = (...parts: string[]) => path.join(folder, ...parts);
const good = at("good.jsonl");

/** The model with one file changed. */
function modelWith(name: string, file: string, content: string | Uint8Array): string {
  mkdirSync(at(name), { recursive: true });
  for (const own of ["config.json", "model.safetensors"]) copyFileSync(path.join(MODEL, own), at(name, own));
  writeFileSync(at(name, file), content);
  return at(name);
}

function text(name: string, content: string): string {
  writeFileSync(at(name), content);
  return at(name);
}

/** Runs a training line that must be refused; `expected` are pieces of its one message. */
async function refused(flags: Readonly<Record<string, string>>, ...expected: (string | RegExp)[]): Promise<void> {
  const before = filesIn(folder);
  const given = { model: MODEL, data: good, "adapter-path": at("out", "deep"), steps: "2", ...flags };
  const ran = await lorikeet(["train", ...Object.entries(given).flatMap(([name, value]) => [`--${name}`, value])]);
  expect(ran.status).toBe(1);
  expect(ran.err.match(/^error: /gm)?.length).toBe(1);
  expect(ran.err).toMatch(/^error: /);
  expect(ran.err).not.toMatch(/^ +at .*:\d+/m);
  for (const piece of expected) expect(ran.err).toMatch(piece instanceof RegExp ? piece : new RegExp(literally(piece)));
  expect(filesIn(folder)).toEqual(before);
}

const literally = (piece: string) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

beforeAll(async () => {
  writeRecords(good, await goldenRecords("llama", "train"));
  // The control: with nothing wrong, the line works and writes.
  await succeed("train", "--model", MODEL, "--data", good, "--adapter-path", at("control"), "--steps", "1");
  expect(filesIn(at("control"))).toContain("adapters.safetensors");
});

describe("data", () => {
  it("a missing file", () =>
    refused({ data: at("none.jsonl") }, `--data ${at("none.jsonl")}: expected a file`, "hint:"));

  it("malformed JSON on line 7", async () => {
    const lines = readFileSync(good, "utf8").trimEnd().split("\n");
    lines[6] = '{"input_ids": [1, 2, 3}';
    await refused(
      { data: text("torn.jsonl", lines.join("\n")) },
      "torn.jsonl line 7, column 23",
      "expected",
      "got",
      "hint:",
    );
  });

  it("an unknown role", async () => {
    const record = {
      messages: [
        { role: "user", content: "a" },
        { role: "bot", content: "b" },
      ],
    };
    await refused(
      { data: writeRecords(at("role.jsonl"), [record]) },
      /role.jsonl line 1: messages.1.role: expected .*"assistant".*got "bot"/,
    );
  });

  it("an empty dataset", () => refused({ data: text("empty.jsonl", "\n\n") }, "expected at least one record"));

  it("records without a token that carries loss", async () => {
    const data = writeRecords(at("silent.jsonl"), [{ input_ids: [1, 2], labels: [-100, -100] }]);
    await refused({ data }, "none of its 1 records has a token that carries loss");
  });

  it("ids of another vocabulary", async () => {
    const data = writeRecords(at("foreign.jsonl"), [{ input_ids: [1, 5000] }]);
    await refused({ data }, "foreign.jsonl line 1: expected token ids below 320", "got 5000");
  });

  it("text for a model without a tokenizer", async () => {
    const data = writeRecords(at("text.jsonl"), [{ text: "once" }]);
    await refused({ data }, "expected a tokenizer.json");
  });
});

describe("model", () => {
  it("a missing folder", () => refused({ model: at("nowhere") }, `--model ${at("nowhere")}: there is no such folder`));

  it("a name that is neither a folder nor on the Hub", () => refused({ model: "nowhere" }, "written org/name"));

  it("a truncated safetensors file", async () => {
    const bytes = readFileSync(path.join(MODEL, "model.safetensors"));
    const model = modelWith("short", "model.safetensors", bytes.subarray(0, 300_000));
    await refused({ model }, "model.safetensors", "expected", "300000", "hint:");
  });

  it("an unknown family", async () => {
    const config = { ...fixtureJson("llama/config.json"), model_type: "mamba" };
    const model = modelWith("mamba", "config.json", JSON.stringify(config));
    await refused({ model }, 'mamba/config.json: model_type is "mamba", supported are gemma2, gemma3_text, llama,');
  });

  it("weights that do not fit the config", async () => {
    const config = { ...fixtureJson("llama/config.json"), intermediate_size: 168 };
    const model = modelWith("misfit", "config.json", JSON.stringify(config));
    await refused({ model }, "model.layers.0.mlp.up_proj.weight: expected [168, 64], found [160, 64]", "6 problems");
  });
});

describe("adapter", () => {
  it("one for another model", async () => {
    const adapter = fixturePath("mlx/adapters-llama-random");
    const line = ["--model", MODEL, "--data", good, "--adapter-path", adapter];
    const ran = await lorikeet(["eval", ...line]);
    expect(ran.status).toBe(1);
    expect(ran.err).toMatch(
      /^error: adapter does not fit the model: \d+ problems\n {2}model\.layers\.\d.* expected .* got /,
    );
    expect(ran.err).toContain("hint: The model has blocks 0 to 1 with");
    await refused({ "resume-adapter-file": adapter }, "adapter does not fit the model");
  });

  it("a place to go on from that is not there, or is no adapter", async () => {
    await refused({ "resume-adapter-file": at("none.safetensors") }, "there is no such file");
    await refused({ "resume-adapter-file": at("good.jsonl") }, "good.jsonl", "expected a header");
  });

  it("another strength than that of the adapter to go on from, at its rank or at the one asked for", async () => {
    const adapter = { "resume-adapter-file": fixturePath("llama/adapters/init") };
    await refused({ ...adapter, alpha: "16" }, "has alpha 8 at rank 4, asked for is 16");
    await refused({ ...adapter, rank: "16", alpha: "8" }, "has alpha 32 at rank 16, asked for is 8");
  });
});

describe("settings", () => {
  it("a target that matches nothing", () =>
    refused({ "target-modules": "q_proj,query" }, "query matches no linear layer", "self_attn.q_proj"));

  it("a YAML file with an unknown key", async () => {
    const config = text("run.yaml", "iters: 10\nlearning_rate: 1e-4\nlerning_rate: 1e-4\n");
    await refused({ config }, /run.yaml: 1 problem\n {2}line 3: lerning_rate: no such option; did you mean/);
  });

  it("a YAML file that is not there", () => refused({ config: at("none.yaml") }, "none.yaml: cannot be read (ENOENT)"));

  it("unknown flags and bad values, all at once", () =>
    refused(
      { iters: "5", rank: "0", bath: "2" },
      "3 problems",
      "--iters: mlx-lm counts micro-batches",
      "--bath: no such flag",
    ));

  it("an output folder that cannot be one", () =>
    refused({ "adapter-path": good }, `--adapter-path ${good}: expected a folder`));
});

describe("logits", () => {
  it("leaves no file behind when a record is too long", async () => {
    const data = writeRecords(at("long.jsonl"), [
      { input_ids: [1, 2] },
      { input_ids: Array.from({ length: 200 }, () => 1) },
    ]);
    const before = filesIn(folder);
    const ran = await lorikeet(["logits", "--model", MODEL, "--data", data, "--out", at("new", "logits.safetensors")]);
    expect(ran.err).toContain("line 2: 200 tokens, the model has room for 128");
    expect(ran.status).toBe(1);
    expect(filesIn(folder)).toEqual(before);
  });
});
