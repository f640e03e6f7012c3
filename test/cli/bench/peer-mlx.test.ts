/** mlx-lm as a child process, with programs in its place that say what it says. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { findMlx, readReport, runMlx } from "../../../src/cli/bench/peers/mlx-program.ts";
import { demoFolder } from "../../../src/cli/node/package.ts";
import { lorikeet, temporaryFolder } from "../support.ts";

const LINE = (iteration: number, tokens: number) =>
  `Iter ${iteration}: Train loss 2.123, Learning Rate 1.000e-04, It/sec 1.234, Tokens/sec ${tokens}, Trained Tokens 1234, Peak mem 1.234 GB`;

const PATH = process.env.PATH;
let folder: string;

beforeEach(() => {
  folder = temporaryFolder();
  // Nothing else is found, no mlx-lm of this machine either.
  process.env.PATH = folder;
});
afterEach(() => {
  process.env.PATH = PATH;
});

/** Puts a program in the PATH that answers to --help, and otherwise does `body`, a shell script. */
function install(body: string, name = "mlx_lm.lora"): string {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\nPATH='${PATH}'\ncase "$*" in *--help*) exit 0;; esac\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

const quiet = () => {};
const never = new AbortController().signal;

describe("the program", () => {
  it("is found under either name, or what to do is said", async () => {
    await expect(findMlx(never)).rejects.toMatchObject({
      message: expect.stringContaining("mlx-lm was not found"),
      hint: expect.stringContaining("pip install mlx-lm"),
    });
    install("", "python3");
    expect(await findMlx(never)).toEqual(["python3", "-m", "mlx_lm", "lora"]);
    install("");
    expect(await findMlx(never)).toEqual(["mlx_lm.lora"]);
  });

  it("is read line by line", async () => {
    install(`echo 'Loading pretrained model'; echo '${LINE(5, 100.5)}'; echo '${LINE(10, 456.7)}'`);
    const lines: string[] = [];
    const reports = await runMlx(["mlx_lm.lora"], "x.json", never, (line) => lines.push(line));
    expect(reports).toEqual([
      { iteration: 5, loss: 2.123, iterationsPerSecond: 1.234, tokensPerSecond: 100.5, peakGigabytes: 1.234 },
      expect.objectContaining({ iteration: 10, tokensPerSecond: 456.7 }),
    ]);
    expect(lines[0]).toBe("Loading pretrained model");
  });

  it("that fails, or trains nothing, is quoted", async () => {
    install("echo 'Traceback' >&2; echo 'ValueError: no such model' >&2; exit 3");
    const failed = runMlx(["mlx_lm.lora"], "x.json", never, quiet);
    await expect(failed).rejects.toThrow(/mlx-lm ended with status 3: .*ValueError: no such model/);
    install("echo 'Iter 1: Val loss 3.2'");
    await expect(runMlx(["mlx_lm.lora"], "x.json", never, quiet)).rejects.toThrow("reported no training");
  });

  it("ends at once when the bench is stopped", async () => {
    const done = path.join(folder, "done");
    install(
      `trap '' TERM INT; echo begun; i=0; while [ $i -lt 600 ]; do sleep 0.1; i=$((i+1)); done; echo > '${done}'`,
    );
    const stop = new AbortController();
    const running = runMlx(["mlx_lm.lora"], "x.json", stop.signal, () => stop.abort());
    await expect(running).rejects.toMatchObject({ name: "AbortError" });
    expect(existsSync(done)).toBe(false);
  });

  it("reports in one form only", () => {
    expect(readReport("Iter 1: Val loss 3.214, Val took 1.2s")).toBeNull();
    expect(readReport("Iter 2: Saved adapter weights to adapters.safetensors.")).toBeNull();
    expect(readReport(LINE(3, 7))?.iteration).toBe(3);
  });
});

describe("lorikeet bench --peers mlx", () => {
  const line = ["bench", "--peers", "mlx", "--steps", "1", "--repeats", "1"];

  it("trains the same on both sides, and prints the ratio first", async () => {
    const seen = path.join(folder, "config");
    install(`cp "$2" '${seen}'; echo '${LINE(1, 99999)}'; echo '${LINE(2, 10)}'`);
    const { status, out } = await lorikeet([...line, "--json"]);
    expect(status).toBe(0);
    const { mlx, products, step } = JSON.parse(out);
    expect([products, step]).toEqual([null, null]);
    // The first report compiles and does not count.
    expect(mlx.theirs).toMatchObject({ tokensPerSecond: 10, peakGigabytes: 1.234 });
    expect(mlx.ours.losses).toHaveLength(2);
    expect(mlx.ratio).toBeCloseTo(mlx.ours.tokensPerSecond / 10, 10);
    expect(parse(readFileSync(seen, "utf8"))).toMatchObject({
      model: demoFolder(),
      data: demoFolder(),
      ...{ iters: 2, batch_size: 8, learning_rate: 1e-4, num_layers: -1, steps_per_report: 1, mask_prompt: false },
      lora_parameters: { rank: 8, scale: 2, dropout: 0, keys: expect.arrayContaining(["mlp.down_proj"]) },
    });
  });

  it("says what is missing and ends with status 1", async () => {
    const absent = await lorikeet(line);
    expect(absent.status).toBe(1);
    expect(absent.out).toContain("mlx: mlx-lm was not found");
    expect(absent.out).toContain("pip install mlx-lm");
    install("");
    const misplaced = await lorikeet([...line, "--data", folder]);
    expect(misplaced.out).toContain("train.jsonl is missing");
  });

  it("refuses names and sizes it does not know", async () => {
    expect((await lorikeet(["bench", "--peers", "torch"])).err).toContain('"torch" is not known');
    expect((await lorikeet(["bench", "--peers", "tfjs", "--tokens", "5"])).err).toContain('multiples of 4, got "5"');
  });
});
