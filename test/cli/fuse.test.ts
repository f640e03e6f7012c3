/** `lorikeet fuse` as a stranger sees it: a proved folder under its name, or nothing and the reason. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { fuseInto } from "../../src/cli/commands/fuse.ts";
import { FusedFolder } from "../../src/cli/commands/fusing/fused-folder.ts";
import { testDevice } from "../support/device.ts";
import { fixtureFolder, fixturePath } from "../support/golden.ts";
import { fixtureAdapter } from "../train/support.ts";
import { filesIn, lorikeet, readJsonFile, succeed, temporaryFolder } from "./support.ts";

const MODEL = fixturePath("llama");
const RANDOM = fixturePath("llama/adapters/random");
const line = (out: string, ...more: string[]) => [
  ...["fuse", "--model", MODEL, "--adapter-path", RANDOM, "--out", out],
  ...more,
];

describe("lorikeet fuse", () => {
  it("writes a model that answers as base and adapter do, and says how it was proved", async () => {
    const folder = temporaryFolder();
    const out = path.join(folder, "deep", "fused");
    const { out: said, err } = await succeed(...line(out));
    expect(said).toMatch(/^device {6}\S/);
    expect(said).toContain("14 layers, rank 4, scale 2");
    expect(said.match(/^.{12}✓ /gm)).toHaveLength(6);
    expect(said).not.toContain("✗");
    expect(said).toMatch(/^rounding {4}blots out less than 0\.01 % of the change/m);
    expect(said).toMatch(/^try it {6}(npm run lorikeet --|lorikeet) generate --model \S+ --prompt "…"$/m);
    expect(said).toContain(`generate --model ${out} `);
    expect(err).toBe("");
    expect(filesIn(path.join(folder, "deep"))).toEqual(["fused"]);
    expect(filesIn(out)).toEqual(["config.json", "model.safetensors"]);
    expect(readFileSync(path.join(out, "config.json"))).toEqual(readFileSync(path.join(MODEL, "config.json")));
    const tokens = ["--tokens", "5,17,200,31", "--ignore-eos", "--max-tokens", "12"];
    const generate = async (...flags: string[]) => (await succeed("generate", ...flags, ...tokens)).out;
    const fused = await generate("--model", out);
    expect(fused).toBe(await generate("--model", MODEL, "--adapter-path", RANDOM));
    expect(fused).not.toBe(await generate("--model", MODEL));
  });

  it("takes an empty folder, and prints JSON where it is asked to", async () => {
    const out = temporaryFolder();
    const { out: said } = await succeed(...line(out, "--json"));
    const result = JSON.parse(said);
    expect(result).toMatchObject({ out, files: ["model.safetensors"], blind: false });
    expect(result.layers).toHaveLength(14);
    expect(result.checks.every(({ passed }: { passed: boolean }) => passed)).toBe(true);
  });

  it("warns where rounding takes most of the fine-tune, with the share that is left", async () => {
    const folder = temporaryFolder();
    const [adapter, exact, out] = ["faint", "exact", "fused"].map((name) => path.join(folder, name));
    mkdirSync(adapter!);
    const config = readJsonFile(RANDOM, "adapter_config.json");
    // A scale of 0.005 instead of 2: far below the last digit of BF16 weights.
    writeFileSync(path.join(adapter!, "adapter_config.json"), JSON.stringify({ ...config, lora_alpha: 0.02 }));
    const tensors = "adapter_model.safetensors";
    writeFileSync(path.join(adapter!, tensors), readFileSync(path.join(RANDOM, tensors)));
    const flags = ["--adapter-path", adapter!, "--out"];
    const { err } = await succeed("fuse", "--model", fixturePath("formats/bf16"), ...flags, out!);
    expect(err).toMatch(/^warning: rounding to the base's type leaves \d+(\.\d+)? % of what the adapter adds\./);
    // The control: F32 has room for it.
    expect((await succeed("fuse", "--model", MODEL, ...flags, exact!)).err).toBe("");
  });

  it("decodes a quantised base, or keeps its codes where it is told to, and says what codes lose", async () => {
    const folder = temporaryFolder();
    const [plain, codes, faint] = ["plain", "codes", "faint"].map((name) => path.join(folder, name)) as [
      string,
      string,
      string,
    ];
    const adapter = fixturePath("mlx/adapters-llama-q4-random");
    const model = fixturePath("mlx/llama-q4");
    const flags = ["fuse", "--model", model, "--adapter-path", adapter, "--out"];
    const { out, err } = await succeed(...flags, plain);
    expect([out.match(/^.{12}✓ /gm)?.length, err]).toEqual([7, ""]);
    expect(readJsonFile(plain, "config.json").quantization).toBeUndefined();
    const again = await succeed(...flags, codes, "--requantize");
    expect(again.out).toMatch(/^rounding {4}to the nearest codes blots out \d+ % of the change; most in/m);
    expect(readFileSync(path.join(codes, "config.json"))).toEqual(readFileSync(path.join(model, "config.json")));
    const weak = await succeed(...flags.slice(0, 4), `${adapter}:0.01`, "--out", faint, "--requantize");
    expect(weak.err).toMatch(/^warning: rounding to the base's codes leaves \d+(\.\d+)? % of what the adapter adds\./);
    const refused = await lorikeet([...line(path.join(folder, "none")), "--requantize"]);
    expect(refused.err).toContain(
      "its weights are plain, so there are no codes to write again\nhint: Leave --requantize out.",
    );
    expect(filesIn(folder)).toEqual(["codes", "faint", "plain"]);
  });

  it("refuses a folder with files in it, and leaves them alone", async () => {
    const out = temporaryFolder();
    writeFileSync(path.join(out, "mine.txt"), "mine");
    const { status, err } = await lorikeet(line(out));
    expect(status).toBe(1);
    expect(err).toContain(`--out ${out}: the folder holds files (mine.txt)`);
    expect(filesIn(out)).toEqual(["mine.txt"]);
  });

  it("refuses an adapter that does not fit, and leaves nothing behind", async () => {
    const folder = temporaryFolder();
    const demo = await lorikeet([
      "fuse",
      "--model",
      "demo",
      "--adapter-path",
      RANDOM,
      "--out",
      path.join(folder, "demo"),
    ]);
    expect(demo.status).toBe(1);
    expect(demo.err).toContain("adapter does not fit the model");
    expect(filesIn(folder)).toEqual([]);
  });

  it("stops at Ctrl-C and leaves nothing behind", async () => {
    const folder = temporaryFolder();
    const { status, err } = await lorikeet(line(path.join(folder, "fused")), { interruptAt: "adapter  " });
    expect([status, err]).toEqual([130, "stopped\n"]);
    expect(filesIn(folder)).toEqual([]);
  });
});

/** A disk that flips a bit of whatever weights it is given. */
class FaultyFolder extends FusedFolder {
  override async write(name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    async function* flipped() {
      for await (const chunk of chunks) {
        if (chunk.length === 64 * 64 * 4) chunk[9]! ^= 1;
        yield chunk;
      }
    }
    await super.write(name, name === "model.safetensors" ? flipped() : chunks);
  }
}

/** A disk on which the place has been taken meanwhile. */
class TakenFolder extends FusedFolder {
  override place(): Promise<void> {
    return Promise.reject(new Error("the place is taken"));
  }
}

it("a model that is not proved, or cannot be placed, gets no name: nothing is left, and the reason is told", async () => {
  const folder = temporaryFolder();
  let printed = "";
  const stream = {
    columns: 100,
    write(text: string) {
      printed += text;
    },
  };
  const io = { out: stream, err: stream, openDevice: testDevice, onInterrupt: () => () => {}, close() {} };
  const fuse = async (to: FusedFolder, json = false) =>
    fuseInto(
      to,
      { device: await testDevice(), source: fixtureFolder("llama"), adapter: await fixtureAdapter("random") },
      { model: "llama", adapter: "random", json },
      io,
    );
  await expect(fuse(new FaultyFolder(path.join(folder, "deep", "faulty")))).rejects.toThrow(
    'no model was written: the check "adapted tensors are W + scale·B·A, rounded once" failed',
  );
  expect(printed).toMatch(/✗ adapted tensors are [\s\S]*layers\.1\.self_attn\.q_proj\.weight\s+differs/);
  expect(printed).not.toContain("try it");
  expect(filesIn(folder)).toEqual([]);
  printed = "";
  await expect(fuse(new TakenFolder(path.join(folder, "deep", "taken")), true)).rejects.toThrow("the place is taken");
  // No JSON that tells of a model where there is none.
  expect(printed).not.toContain('"out"');
  expect(filesIn(folder)).toEqual([]);
  expect(await fuse(new FusedFolder(path.join(folder, "deep", "good")))).toBe(0);
  expect(filesIn(path.join(folder, "deep"))).toEqual(["good"]);
});
