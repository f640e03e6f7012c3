/** The files of a run as they are taken away: what has collapsed says so, in its name and beside it. */
import { unzipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { folderSource } from "../../src/cli/node/folder.ts";
import { demoFolder } from "../../src/cli/node/package.ts";
import { memoryModel } from "../../src/core/bytes.ts";
import type { GgufBase } from "../../src/formats/gguf-base.ts";
import { exportMlx } from "../../src/lora/export.ts";
import { exportGguf } from "../../src/lora/export-gguf.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { describeModel } from "../../src/train/describe-model.ts";
import { makeRunFile, type RunModel } from "../../src/worker/runs/run-files.ts";
import { RunFolder } from "../../src/worker/runs/run-folder.ts";
import { memoryStore } from "../../src/worker/storage/memory-store.ts";
import { fixture } from "../lora/support.ts";
import { outcomeAfter } from "../support/outcome.ts";
import { storedRun } from "./support.ts";

const FILES = ["adapters.safetensors", "adapter_config.json", "run.json"] as const;
const SOUND = storedRun(outcomeAfter(6));
const COLLAPSED = storedRun(
  outcomeAfter(6, {}, { usable: false, judged: { verdict: "collapsed", reason: "It says commas." } }),
);

async function folder(): Promise<RunFolder> {
  const made = new RunFolder(memoryStore(), "a");
  for (const name of FILES) await made.write(name, "{}");
  return made;
}

const BASE: GgufBase = {
  ...{ architecture: "llama", num_attention_heads: 4, num_key_value_heads: 2, head_dim: 16, num_hidden_layers: 2 },
  ...{ tie_word_embeddings: false, in_language_model: false },
};
/** Only GGUF and a job for other tools ask for the model. */
const noModel: RunModel = {
  gguf: () => Promise.reject(new Error("asked for the model")),
  description: () => Promise.reject(new Error("asked for the model")),
};

async function taken(state: typeof SOUND) {
  const place = await folder();
  const names: string[] = [];
  for (const file of [...FILES, "mlx.zip"] as const) names.push((await makeRunFile(place, state, file, noModel)).name);
  const { blob } = await makeRunFile(place, state, "mlx.zip", noModel);
  return { names, zip: unzipSync(new Uint8Array(await blob.arrayBuffer())) };
}

describe("the files of a run", () => {
  it("have their usual names where the answers are sound", async () => {
    const { names, zip } = await taken(SOUND);
    expect(names.slice(0, 2)).toEqual(["adapters.safetensors", "adapter_config.json"]);
    expect(names[3]).toBe("lorikeet-demo-1970-01-01-mlx.zip");
    expect(Object.keys(zip)).not.toContain("COLLAPSED.txt");
  });

  it("are made as GGUF for the run's model, and say so too where the answers have collapsed", async () => {
    const adapter = await importAdapter(fixture("llama/adapters/random"));
    const place = await folder();
    for (const { path, bytes } of exportMlx(adapter)) await place.write(path, bytes);
    const { name, blob } = await makeRunFile(place, SOUND, "adapter.gguf", { ...noModel, gguf: async () => BASE });
    expect(name).toBe("adapter.gguf");
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(exportGguf(adapter, BASE).file.bytes);
    expect((await makeRunFile(place, COLLAPSED, "adapter.gguf", { ...noModel, gguf: async () => BASE })).name).toBe(
      "collapsed-adapter.gguf",
    );
    await expect(makeRunFile(place, SOUND, "adapter.gguf", noModel)).rejects.toThrow("asked for the model");
  });

  it("say that the answers have collapsed, each by itself", async () => {
    const { names, zip } = await taken(COLLAPSED);
    expect(names).toEqual([
      "collapsed-adapters.safetensors",
      "collapsed-adapter_config.json",
      "lorikeet-demo-1970-01-01-run.json",
      "lorikeet-demo-1970-01-01-collapsed-mlx.zip",
    ]);
    expect(Object.keys(zip)).toContain("adapters.safetensors");
    expect(new TextDecoder().decode(zip["COLLAPSED.txt"])).toContain("have collapsed. It says commas.");
  });

  it("are a job for other tools, with the records and the adapter of the run", async () => {
    const adapter = await importAdapter(fixture("llama/adapters/random"));
    const place = await folder();
    for (const { path, bytes } of exportMlx({ ...adapter, num_hidden_layers: 2 })) await place.write(path, bytes);
    const rows = ["Why?", "How?"].map((question) => ({ prompt: question, completion: "Because." }));
    await place.write("train.jsonl", rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const description = () => describeModel(folderSource(demoFolder()));
    const model = { ...noModel, description };
    const half = { ...SOUND, status: "stopped", totalSteps: 10, config: { ...SOUND.config, steps: 10 } } as const;

    const { name, blob } = await makeRunFile(place, half, "handoff.zip", model);
    expect(name).toBe("lorikeet-demo-1970-01-01-handoff.zip");
    const zip = unzipSync(new Uint8Array(await blob.arrayBuffer()));
    const text = (path: string) => new TextDecoder().decode(zip[path]);
    expect(text("mlx/data/train.jsonl").split("\n")).toHaveLength(3);
    expect(text("README.md")).toContain("Of 10 updates 6 are done.");
    expect(text("trl/train.py")).toContain("max_steps=4,");
    const start = memoryModel("start", [
      { path: "adapters.safetensors", bytes: zip["mlx/start/adapters.safetensors"]! },
      { path: "adapter_config.json", bytes: zip["mlx/start/adapter_config.json"]! },
    ]);
    expect((await importAdapter(start)).factors).toEqual(adapter.factors);

    const gone = await folder();
    await expect(makeRunFile(gone, half, "handoff.zip", model)).rejects.toThrow("records of the run are gone");
  });
});
