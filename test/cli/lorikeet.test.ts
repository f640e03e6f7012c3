/** The program around the commands: help, version, unknown words; and the built program in a process of its own. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { buildCommandLine } from "../../src/cli/launch/build.mjs";
import { runQuietly } from "../../src/cli/launch/spawn.mjs";
import { flagOf, KNOBS } from "../../src/train/config.ts";
import { fixturePath } from "../support/golden.ts";
import { filesIn, goldenRecords, lorikeet, temporaryFolder, writeRecords } from "./support.ts";

const COMMANDS = ["demo", "train", "generate", "eval", "logits", "inspect", "convert"];
const root = fileURLToPath(new URL("../../", import.meta.url));

describe("help", () => {
  it.each([["--help"], ["-h"], ["help"]])("%s lists the commands", async (word) => {
    const { status, out } = await lorikeet([word]);
    expect(status).toBe(0);
    for (const name of COMMANDS) expect(out).toMatch(new RegExp(`^  ${name} `, "m"));
  });

  it.each(COMMANDS)("of %s fits the terminal", async (name) => {
    const { status, out } = await lorikeet([name, "--help"]);
    expect(status).toBe(0);
    expect(out).toContain(`usage: lorikeet ${name}`);
    for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(100);
    expect((await lorikeet(["help", name])).out).toBe(out);
  });

  it("of train has every knob", async () => {
    const { out } = await lorikeet(["train", "--help"]);
    for (const { name } of KNOBS) expect(out).toContain(flagOf(name));
  });

  it("comes without being asked for when there is no command, with status 1", async () => {
    const { status, err, out } = await lorikeet([]);
    expect([status, out]).toEqual([1, ""]);
    expect(err).toContain("usage: lorikeet COMMAND");
  });
});

describe("other words", () => {
  it("--version is that of package.json", async () => {
    const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    expect((await lorikeet(["--version"])).out).toBe(`lorikeet ${version}\n`);
  });

  it("an unknown command gets a suggestion", async () => {
    const { status, err } = await lorikeet(["trian"]);
    expect(status).toBe(1);
    expect(err).toContain('error: lorikeet: "trian" is no command; did you mean "train"?');
    expect(err).toContain("hint: commands: demo, train");
  });
});

describe("the built program", () => {
  it("trains in a process of its own, found from anywhere", async () => {
    const folder = temporaryFolder();
    const data = writeRecords(path.join(folder, "train.jsonl"), await goldenRecords("llama", "train"));
    const program = await buildCommandLine();
    const runner = path.join(root, "src", "cli", "launch", "run.mjs");
    const run = (...argv: string[]) => runQuietly(process.execPath, [runner, program, ...argv], { cwd: folder });
    const model = fixturePath("llama");
    const trained = await run("train", "--model", model, "--data", data, "--adapter-path", "out", "--steps", "2");
    expect(trained.stderr.replace(/^Warning: .*\n/gm, "")).toBe("");
    expect(trained.code).toBe(0);
    expect(filesIn(path.join(folder, "out"))).toContain("adapters.safetensors");

    const inspected = await run("inspect", "out");
    expect(inspected.stdout).toContain("14 layers, 28 tensors");
    const refused = await run("inspect", "nothing");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/^error: nothing: expected a folder/);
  });
});
