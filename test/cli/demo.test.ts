/** `lorikeet demo` from end to end, with two updates instead of all. */
import path from "node:path";
import { expect, it } from "vitest";
import { filesIn, readJsonFile, succeed, temporaryFolder } from "./support.ts";

it("shows the loss, five answers before and after, and where the adapter lies", async () => {
  // Not as path.join would write it.
  const out = `./${path.relative(process.cwd(), temporaryFolder())}/runs/demo`;
  const ran = await succeed("demo", "--adapter-path", out, "--steps", "2");
  expect(ran.out.match(/^ {2}before {2}\w/gm)?.length).toBe(5);
  expect(ran.out.match(/^ {2}after {3}\w/gm)?.length).toBe(5);
  expect(ran.out).toMatch(/2,\d{3},\d{3} parameters in bf16/);
  expect(ran.out).toMatch(
    /^memory +[✓·!] About \S+ .B on the device: [\s\S]*Model\s+weights\s+\S+\s+.B,\s+adapter\s+and\s+optimizer\s+\S+\s+.B/m,
  );
  expect(ran.out.match(/on the device/g)?.length).toBe(1);
  expect(ran.out).toContain("loss (◆ on the validation set)");
  expect(ran.out).toMatch(/^validation +loss \d\.\d+ → \d\.\d+ on records/m);
  expect(ran.out).toContain(`adapter     ${out}/adapters.safetensors`);
  expect(
    ran.out
      .split("\n")
      .filter((line) => !/lm_|generate/.test(line))
      .every((line) => line.length <= 100),
  ).toBe(true);
  expect(filesIn(out)).toContain("adapters.safetensors");
  expect(readJsonFile(out, "run.json")).toMatchObject({ verified: true, knobs: { steps: 2 } });
});
