/** Adapters that were made elsewhere, opened on the page's model: every layout, and what is refused. */
import { readFileSync } from "node:fs";
import { unzipSync } from "fflate";
import { beforeAll, describe, expect, it } from "vitest";
import { memoryModel } from "../../src/core/bytes.ts";
import { LorikeetError } from "../../src/core/errors.ts";
import { parseGgufBase } from "../../src/formats/gguf-base.ts";
import { parseModelConfig } from "../../src/formats/model-config.ts";
import type { Adapter } from "../../src/lora/adapter.ts";
import { type AdapterFile, exportMlx, exportPeft } from "../../src/lora/export.ts";
import { exportGguf } from "../../src/lora/export-gguf.ts";
import { importAdapter } from "../../src/lora/import.ts";
import { uniformAdapter } from "../../src/lora/uniform.ts";
import type { DroppedFile } from "../../src/worker/protocol.ts";
import { adapterFiles, adapterTitle } from "../../src/worker/runs/adapter-files.ts";
import { blockLinears, randomAdapter } from "../lora/support.ts";
import { opened, type TestEngine, testEngine } from "./support.ts";

const config = JSON.parse(readFileSync(new URL("../../public/demo/config.json", import.meta.url), "utf8"));
const linears = blockLinears(parseModelConfig(config, "demo"));
const base = parseGgufBase(config, "demo");

const quiet = (adapter: Adapter): Adapter => ({
  ...adapter,
  factors: adapter.factors.map((factor) => ({ ...factor, B: factor.B.map((value) => value / 50) })),
});
const plain = quiet(randomAdapter(linears, 4));
/** Another strength for one kind of layer. */
const mixed: Adapter = {
  ...plain,
  factors: plain.factors.map((factor) => (factor.module.endsWith("o_proj") ? { ...factor, scale: 1 } : factor)),
};
const drop = (files: readonly AdapterFile[], folder = "mine/"): DroppedFile[] =>
  files.map(({ path, bytes }) => ({ path: `${folder}${path}`, file: new File([bytes], path) }));

describe("the engine", () => {
  let test: TestEngine;
  beforeAll(async () => {
    test = testEngine();
    await opened(test);
    await test.engine.chooseModel({ kind: "demo" }, {});
  });

  const factorsNow = async () => {
    const zip = await test.engine.runFile(test.state("run").id!, "mlx.zip");
    const files = Object.entries(unzipSync(new Uint8Array(await zip.blob.arrayBuffer())));
    return importAdapter(
      memoryModel(
        "zip",
        files.map(([path, bytes]) => ({ path, bytes })),
      ),
    );
  };

  it.each<[string, Adapter, () => readonly AdapterFile[]]>([
    ["MLX's folder", plain, () => exportMlx(plain)],
    ["PEFT's folder, with patterns", uniformAdapter(mixed).adapter, () => exportPeft(mixed)],
    ["llama.cpp's file", plain, () => [exportGguf(plain, base).file]],
  ])("takes %s, checks it, and keeps it among the runs", async (_, expected, files) => {
    const { engine } = test;
    await engine.openAdapter(drop(files()));
    const run = test.state("run");
    expect(run).toMatchObject({ phase: "done", outcome: { usable: true, judged: { verdict: "healthy" } } });
    expect(run.outcome!.checks.map(({ name }) => name)).toEqual([
      "every number is finite",
      "the adapter changes the logits",
      "the written file gives the live logits",
    ]);
    const now = await factorsNow();
    expect(new Map(now.factors.map(({ module, A, B }) => [module, { A, B }]))).toEqual(
      new Map(expected.factors.map(({ module, A, B }) => [module, { A, B }])),
    );
    expect(now.scale).toBe(2);
    expect(await engine.audit()).toMatchObject({ layers: linears.size, finite: true, zero: false });
    const [newest] = await engine.runs();
    expect(newest).toMatchObject({ id: run.id, usable: true, totalSteps: 0, resumable: false, status: "finished" });
    expect(await (await engine.runFile(run.id!, "report.html")).blob.text()).toMatch(/^<!doctype html>/);
  });

  it("says whose file it was, and claims nothing about its training", async () => {
    await test.engine.openAdapter(drop([exportGguf(plain, base).file], ""));
    const { id } = test.state("run");
    expect((await test.engine.runDetail(id!)).summary.title).toBe("adapter.gguf on Built-in demo");
    const zip = await test.engine.runFile(id!, "mlx.zip");
    const files = unzipSync(new Uint8Array(await zip.blob.arrayBuffer()));
    expect(new TextDecoder().decode(files["adapter_config.json"])).not.toContain("learning_rate");
  });

  it("speaks with it: the logits are not the base's, and opening it again gives the same", async () => {
    const { engine } = test;
    const ids = [1, 2, 3, 4];
    await engine.openAdapter(drop(exportMlx(plain)));
    const tuned = await engine.logits(ids);
    const { id } = test.state("run");
    await engine.openAdapter(drop(exportMlx({ ...plain, scale: 1, alpha: 4 })));
    expect(await engine.logits(ids)).not.toEqual(tuned);
    await engine.openRun(id!);
    expect(await engine.logits(ids)).toEqual(tuned);
  });

  it("one that does not fit is refused by name and shape; nothing is kept, and the one at hand stays", async () => {
    const { engine } = test;
    const [before, runs] = [test.state("run").id, (await engine.runs()).length];
    const other = randomAdapter(
      [
        ["model.layers.0.mlp.up_proj", { in_features: 3, out_features: 5 }],
        ["model.layers.99.mlp.up_proj", { in_features: 3, out_features: 5 }],
      ],
      2,
    );
    const refusal = engine.openAdapter(drop(exportPeft(other)));
    await expect(refusal).rejects.toThrow(/2 problems\n {2}model\.layers\.0\.mlp\.up_proj: expected \d+ → \d+/);
    await expect(refusal).rejects.toThrow("model.layers.99.mlp.up_proj: the model has no such linear");
    await expect(engine.openAdapter(drop([{ path: "notes.txt", bytes: new Uint8Array(1) }]))).rejects.toThrow(
      "got mine/notes.txt",
    );
    expect([test.state("run").id, (await engine.runs()).length]).toEqual([before, runs]);
    expect((await engine.audit()).layers).toBe(linears.size);
  });

  it("one that changes nothing is not handed out", async () => {
    const zero = {
      ...plain,
      factors: plain.factors.map((factor) => ({ ...factor, B: new Float32Array(factor.B.length) })),
    };
    await test.engine.openAdapter(drop(exportMlx(zero)));
    expect(test.state("run").outcome).toMatchObject({ usable: false, judged: { verdict: "broken" } });
    expect(test.state("run").outcome!.judged.reason).toContain("the adapter changes the logits");
  });
});

describe("dropped files", () => {
  const file = new File(["x"], "x");
  const paths = (...names: string[]) => names.map((path) => ({ path, file }));

  it("are the folder that holds the tensors, wherever it lies", async () => {
    const source = adapterFiles(paths("a/b/adapters.safetensors", "a/b/adapter_config.json", "a/other.txt"));
    expect(source.label).toBe("a/b");
    expect(await source.list()).toEqual(["adapter_config.json", "adapters.safetensors"]);
    expect(await source.open("other.txt")).toBeNull();
    expect(new TextDecoder().decode(await (await source.open("adapters.safetensors"))!.read(0, 1))).toBe("x");
  });

  it("have a name", () => {
    expect(adapterTitle(paths("a/b/adapters.safetensors"))).toBe("b");
    expect(adapterTitle(paths("a/mine.gguf"))).toBe("mine.gguf");
    expect(adapterTitle(paths("adapter_config.json", "adapter_model.safetensors"))).toBe("adapter_model.safetensors");
  });

  it("of no adapter, and of two, are refused", () => {
    expect(() => adapterFiles(paths("model.safetensors"))).toThrow("got model.safetensors");
    expect(() => adapterFiles([])).toThrow(LorikeetError);
    expect(() => adapterFiles(paths("a/x.gguf", "b/adapters.safetensors"))).toThrow("expected one adapter, got a/, b/");
  });
});
