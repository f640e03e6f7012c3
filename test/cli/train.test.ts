/** What `lorikeet train` leaves behind, and that a run can be repeated and gone on with bit for bit. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { folderSource } from "../../src/cli/node/folder.ts";
import { openSafetensors } from "../../src/formats/safetensors.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { KNOBS } from "../../src/train/config.ts";
import { fixtureFolder, fixturePath } from "../support/golden.ts";
import {
  filesIn,
  goldenRecords,
  lorikeet,
  type Ran,
  readJsonFile,
  readLines,
  succeed,
  temporaryFolder,
  writeRecords,
} from "./support.ts";

const MODEL = fixturePath("llama");
const folder = temporaryFolder({ keep: true });
const data = path.join(folder, "train.jsonl");
const valid = path.join(folder, "valid.jsonl");
const at = (...parts: string[]) => path.join(folder, ...parts);
const bytesOf = (...parts: string[]) => readFileSync(at(...parts));
const argv = (out: string, ...flags: string[]) => [
  ...["train", "--model", MODEL, "--data", data, "--adapter-path", at(out), "--batch-size", "2"],
  ...["--rank", "4", "--alpha", "8", "--learning-rate", "1e-3", ...flags],
];

beforeAll(async () => {
  writeRecords(data, await goldenRecords("llama", "train"));
  writeRecords(valid, await goldenRecords("llama", "main"));
});

describe("a run", () => {
  let ran: Ran;

  beforeAll(async () => {
    const flags = ["--valid", valid, "--steps", "4", "--save-every", "2", "--steps-per-eval", "2", "--num-layers", "1"];
    ran = await succeed(...argv("run", ...flags, "--max-seq-length", "20"));
  });

  it("leaves the adapter, its numbered copies, the checkpoint, the records and the report, and nothing else", () => {
    expect(filesIn(at("run"))).toEqual([
      "0000002_adapters.safetensors",
      "0000004_adapters.safetensors",
      "adapter_config.json",
      "adapters.safetensors",
      "checkpoint.safetensors",
      "metrics.jsonl",
      "report.html",
      "run.json",
    ]);
  });

  it("writes one object with the same seven keys for each update", () => {
    const lines = readLines(at("run", "metrics.jsonl"));
    const keys = ["step", "loss", "grad_norm", "learning_rate", "tokens", "supervised_tokens", "seconds"];
    for (const line of lines) expect(Object.keys(line)).toEqual(keys);
    expect(lines.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    for (const { loss, tokens, supervised_tokens } of lines) {
      expect(loss).toBeGreaterThan(6);
      expect(tokens).toBeGreaterThan(supervised_tokens);
    }
  });

  it("writes down every knob, the versions, the device, the data and the checks", () => {
    const run = readJsonFile(at("run", "run.json"));
    expect(Object.keys(run.knobs).sort()).toEqual(KNOBS.map(({ name }) => name as string).sort());
    expect(run).toMatchObject({
      status: "finished",
      versions: { node: process.versions.node },
      model: { name: MODEL, family: "llama", blocks: 2, element: "f32" },
      knobs: { steps: 4, epochs: "auto", seed: 0, numLayers: 1 },
      trainable: { layers: 7, tensors: 14, parameters: 4 * (2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 160)) },
      data: { train: { records: 8, kept: 8 }, valid: { records: 2 } },
      updates: 4,
      verified: true,
    });
    expect(run.device.name).not.toBe("");
    expect(run.data.train.truncated.length).toBeGreaterThan(0);
    expect(run.checks.length).toBe(5);
    expect(run).toMatchObject({ verdict: "healthy", rollbacks: 0, ended_early: null });
    expect(run.preflight.map(({ id }: { id: string }) => id)).toContain("adapter");
    expect(run.validations.map(({ step }: { step: number }) => step)).toEqual([0, 2, 4]);
  });

  it("says all that before and after, for people", () => {
    for (const text of ["llama, ", "7 layers, 14 tensors", "cut to 20 tokens: line", "validation loss", "updates"]) {
      expect(ran.out).toContain(text);
    }
    expect(ran.out).toMatch(/memory +✓ About [\d.]+ [kM]B on the device: Fits/);
    expect(ran.out.match(/on the device/g)?.length).toBe(1);
    expect(ran.out).toContain(`mlx_lm.generate --model ${MODEL} --adapter-path ${at("run")}`);
    expect(ran.out).toContain("✓ the written file gives the live logits");
    expect(ran.err).toBe("");
  });

  it("writes what mlx-lm's loader expects: names, shapes, order, a config that says the same", async () => {
    const source = folderSource(at("run"));
    const file = await openSafetensors((await source.open("adapters.safetensors"))!);
    const names = [...file.tensors.keys()];
    expect(names).toEqual([...names].sort());
    let end = [...file.tensors.values()][0]!.begin;
    for (const { begin, end: next, dtype } of file.tensors.values()) {
      expect([begin, dtype]).toEqual([end, "F32"]);
      end = next;
    }
    expect(end).toBe(bytesOf("run", "adapters.safetensors").length);

    const config = readJsonFile(at("run", "adapter_config.json"));
    expect(config).toMatchObject({ fine_tune_type: "lora", num_layers: 1, lora_alpha: 8, batch_size: 2, seed: 0 });
    const { rank, scale, keys } = config.lora_parameters;
    expect([rank, scale]).toEqual([4, 2]);
    const shapes = new Map((await importAdapter(source)).factors.map((factor) => [factor.module, factor]));
    const model = await openSafetensors((await fixtureFolder("llama").open("model.safetensors"))!);
    const allowed = (keys as string[]).flatMap((key) => {
      const [out, into] = model.tensors.get(`model.layers.1.${key}.weight`)!.shape;
      expect(shapes.has(`model.layers.1.${key}`)).toBe(true);
      return [
        [`model.layers.1.${key}.lora_a`, [into, rank]],
        [`model.layers.1.${key}.lora_b`, [rank, out]],
      ] as const;
    });
    expect(new Map([...file.tensors].map(([name, { shape }]) => [name, shape]))).toEqual(new Map(allowed));
  });

  it("says so when it writes over another adapter, and leaves other files alone", async () => {
    const again = await succeed(...argv("run", "--steps", "1", "--save-every", "0"));
    expect(again.out).toContain("holds an adapter; it will be replaced");
    expect(readLines(at("run", "metrics.jsonl")).length).toBe(1);
    expect(existsSync(at("run", "0000002_adapters.safetensors"))).toBe(true);
  });
});

describe("a YAML file", () => {
  it("names files and knobs in mlx-lm's words; flags win", async () => {
    const config = at("run.yaml");
    const lines = [
      `model: "${MODEL}"`,
      `data: "${data}"`,
      `adapter_path: "${at("yaml")}"`,
      "iters: 6",
      "batch_size: 2",
    ];
    writeFileSync(config, [...lines, "lora_parameters: { rank: 4, scale: 3.0, dropout: 0.0 }", ""].join("\n"));
    const { out } = await succeed("train", "--config", config, "--steps", "2", "--seed", "7");
    expect(out).toMatch(/^note +left to Lorikeet's defaults/m);
    const { knobs } = readJsonFile(at("yaml", "run.json"));
    expect(knobs).toMatchObject({ steps: 2, seed: 7, batchSize: 2, rank: 4, alpha: 12 });
    const missing = await lorikeet(["train", "--steps", "2", "--model", MODEL]);
    expect(missing.err).toContain("missing: --data, --adapter-path");
  });
});

describe("determinism", () => {
  const constant = ["--lr-schedule", "constant", "--warmup", "3", "--dropout", "0.1"];

  beforeAll(async () => {
    await succeed(...argv("straight", "--steps", "20", ...constant));
  });

  it("gives the same bytes for the same seed, and others for another", async () => {
    await succeed(...argv("again", "--steps", "20", ...constant));
    for (const name of ["adapters.safetensors", "adapter_config.json"]) {
      expect(bytesOf("again", name).equals(bytesOf("straight", name)), name).toBe(true);
    }
    await succeed(...argv("other", "--steps", "20", "--seed", "1", ...constant));
    expect(bytesOf("other", "adapters.safetensors").equals(bytesOf("straight", "adapters.safetensors"))).toBe(false);
  });

  it("goes on from a checkpoint as if nothing had happened", async () => {
    await succeed(...argv("halves", "--steps", "10", ...constant));
    const resume = ["--resume-adapter-file", at("halves", "checkpoint.safetensors")];
    const ran = await succeed(...argv("halves", "--steps", "20", ...constant, ...resume));
    expect(ran.out).toContain("updates 11 to 20");
    expect(bytesOf("halves", "adapters.safetensors").equals(bytesOf("straight", "adapters.safetensors"))).toBe(true);
    const numbers = (name: string) => readLines(at(name, "metrics.jsonl")).map(({ seconds, ...rest }) => rest);
    expect(numbers("halves")).toEqual(numbers("straight"));
  });

  it("trains DoRA in mlx-lm's layout, and goes on from its adapter as DoRA", async () => {
    const ran = await succeed(...argv("dora", "--steps", "3", "--fine-tune-type", "dora", "--use-rslora"));
    expect(ran.out).toContain("DoRA, rank 4, alpha 8");
    expect(readJsonFile(at("dora", "run.json")).knobs).toMatchObject({ fineTuneType: "dora", useRslora: true });
    const config = readJsonFile(at("dora", "adapter_config.json"));
    expect(config).toMatchObject({ fine_tune_type: "dora", use_dora: true, scale: 4, lora_alpha: 16 });
    const more = ["--resume-adapter-file", at("dora"), "--steps", "1"];
    const files = ["train", "--model", MODEL, "--data", data, "--adapter-path", at("more")];
    await succeed(...files, ...more, "--use-rslora");
    expect(readJsonFile(at("more", "run.json")).knobs).toMatchObject({ fineTuneType: "dora", alpha: 8 });
    expect(readJsonFile(at("more", "adapter_config.json"))).toMatchObject({ fine_tune_type: "dora", scale: 4 });
    const other = await lorikeet([...files, ...more, "--fine-tune-type", "lora"]);
    expect(other.err).toContain('the adapter has fineTuneType "dora", asked for is "lora"');
    const dropped = await lorikeet([...files, ...more, "--dropout", "0.1"]);
    expect(dropped.err).toContain("dropout: expected 0 with fineTuneType dora");
  });

  it("takes the knobs of the checkpoint where none are given, and refuses others", async () => {
    const checkpoint = ["--resume-adapter-file", at("straight", "checkpoint.safetensors")];
    const files = ["--model", MODEL, "--data", data, "--adapter-path", at("longer")];
    await succeed("train", ...files, ...checkpoint, "--steps", "22");
    expect(readJsonFile(at("longer", "run.json")).knobs).toMatchObject({ rank: 4, dropout: 0.1, steps: 22 });
    expect(readLines(at("longer", "metrics.jsonl")).length).toBe(22);
    const other = await lorikeet(["train", ...files, ...checkpoint, "--learning-rate", "5e-4"]);
    expect(other.status).toBe(1);
    expect(other.err).toContain("learningRate: the checkpoint has 0.001, this run has 0.0005");
    const shorter = await lorikeet(["train", ...files, ...checkpoint, "--steps", "5"]);
    expect(shorter.err).toContain("the checkpoint has 20 updates behind it, this run makes 5");
  });

  it("stops cleanly at Ctrl-C, and the rest of a falling schedule can be made later", async () => {
    const flags = ["--steps", "12", "--lr-schedule", "cosine", "--valid", valid, "--steps-per-eval", "4"];
    await succeed(...argv("whole", ...flags));
    const ran = await lorikeet(argv("stopped", ...flags), { interruptAt: "after update 4" });
    expect(ran.status).toBe(130);
    expect(ran.out).toContain("stopped after update ");
    expect(readJsonFile(at("stopped", "run.json")).status).toBe("stopped");
    const done = readLines(at("stopped", "metrics.jsonl")).length;
    expect(done).toBeLessThan(12);
    expect((await importAdapter(folderSource(at("stopped")))).factors.length).toBe(14);
    await succeed(...argv("stopped", ...flags, "--resume-adapter-file", at("stopped", "checkpoint.safetensors")));
    expect(bytesOf("stopped", "adapters.safetensors").equals(bytesOf("whole", "adapters.safetensors"))).toBe(true);
    expect(readLines(at("stopped", "metrics.jsonl")).length).toBe(12);
  });

  it("writes nothing when it is stopped before the first update", async () => {
    const ran = await lorikeet(argv("never", "--steps", "3", "--valid", valid), { interruptAt: "device " });
    expect(ran.status).toBe(130);
    expect(existsSync(at("never"))).toBe(false);
  });
});
