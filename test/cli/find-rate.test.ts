/** `lorikeet find-rate`: the plot, the suggestion, the command to copy; nothing written, and its exit status. */
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { fixturePath } from "../support/golden.ts";
import { filesIn, goldenRecords, lorikeet, type Ran, succeed, temporaryFolder, writeRecords } from "./support.ts";

const folder = temporaryFolder({ keep: true });
const data = path.join(folder, "train.jsonl");
const argv = (...flags: string[]) => [
  ...["find-rate", "--model", fixturePath("llama"), "--data", data, "--batch-size", "2"],
  ...["--rank", "4", "--alpha", "8", ...flags],
];

beforeAll(async () => {
  writeRecords(data, await goldenRecords("llama", "train"));
});

describe("a sweep that finds a rate", () => {
  const range = ["--from", "2e-4", "--to", "0.1", "--updates", "30"];
  let ran: Ran;
  beforeAll(async () => {
    ran = await succeed(...argv(...range));
  });

  it("shows the curve over rates, the suggestion on it, and why", () => {
    expect(ran.out).toMatch(/^loss \(◆ at the suggested rate\)\n/);
    expect(ran.out.split("◆").length - 1).toBe(2);
    expect(ran.out).toMatch(/0\.001 +0\.01 +0\.1\n/);
    expect(ran.out).toMatch(/^sweep +\d+ updates, rates 2e-4 to 0\.\d+/m);
    expect(ran.out).toMatch(/^measured +on 8 examples \(\d+ tokens with loss\) after each; before the first 7\.\d+$/m);
    expect(ran.out).toMatch(/^suggestion +0\.0\d+\n +the loss fell fastest at 0\.0\d+ and was lowest at 0\.0\d+/m);
    for (const line of ran.out.split("\n").filter((line) => !line.startsWith("train "))) {
      expect(line.length).toBeLessThanOrEqual(100);
    }
  });

  it("gives a training command with the same flags, which a command line reads", async () => {
    const command = /^train +(?:npm run lorikeet --|lorikeet) (.*)$/m.exec(ran.out)![1]!;
    expect(command).toMatch(
      /^train --model \S+ --data \S+ --adapter-path runs\/mine --learning-rate 0\.0\d+ --batch-size 2 /,
    );
    expect(command).toContain("--rank 4 --alpha 8");
    const { err } = await lorikeet([...command.split(" "), "--steps", "nonsense"]);
    expect(err).toContain("--steps: expected whole number");
    expect(err).not.toContain("no such flag");
    expect(filesIn(folder)).toEqual(["train.jsonl"]);
  });

  it("gives the same as JSON, every point with it", async () => {
    const { out } = await succeed(...argv(...range, "--json"));
    const found = JSON.parse(out);
    expect(ran.out).toContain(`suggestion  ${found.rate}\n`);
    expect(found.points.length).toBeGreaterThan(10);
    expect(Object.keys(found.points[0])).toEqual(["update", "rate", "loss", "batchLoss", "gradNorm"]);
    expect(found.command).toContain(`--learning-rate ${found.rate}`);
  });
});

it("a sweep that says nothing ends with status 1, the reason and no command", async () => {
  const { status, out } = await lorikeet(argv("--from", "1e-9", "--to", "1e-8", "--updates", "10"));
  expect(status).toBe(1);
  expect(out).toMatch(/^suggestion +none\n +flat: /m);
  expect(out).not.toMatch(/^train/m);
});

it("a range that is upside down is refused before anything is loaded", async () => {
  const { status, err } = await lorikeet(argv("--from", "1e-2", "--to", "1e-3"));
  expect(status).toBe(1);
  expect(err).toContain("expected --from below --to, got 0.01 and 0.001");
});

it("Ctrl-C ends the sweep, and says so", async () => {
  const { status, out, err } = await lorikeet(argv(), { interruptAt: "sweeping 60 rates" });
  expect(status).toBe(130);
  expect(err).toContain("sweeping 60 rates from 6e-5 to 0.15");
  expect(out).toContain("stopped before the end of the sweep");
  expect(out).toMatch(/^sweep +0 updates/m);
});

it("of the demo model, a coarse sweep of small updates names a rate near those that its author found good", async () => {
  const argv = ["find-rate", "--model", "demo", "--data", "public/demo", "--batch-size", "4"];
  const { out } = await succeed(...argv, "--from", "2e-4", "--to", "0.05", "--updates", "20", "--json");
  const { rate } = JSON.parse(out);
  // public/demo/README.md: 1.5e-3 to 3e-3; within three times of that.
  expect(rate).toBeGreaterThan(5e-4);
  expect(rate).toBeLessThan(9e-3);
});
