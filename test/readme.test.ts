import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { measureMemory, memoryTable } from "../src/cli/bench/memory.ts";
import { knobTable } from "../src/train/config.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const tableOf = (name: string) => new RegExp(`<!-- ${name}:.*-->\\n([\\s\\S]*?)<!-- /${name} -->`).exec(readme)?.[1];

it("README's table of knobs is the table of knobs", () => {
  expect(tableOf("knobs")?.trim()).toBe(knobTable().trim());
});

it("README's table of memory is what the dry run gives now", async () => {
  expect(tableOf("memory")?.trim()).toBe(memoryTable((await measureMemory()).rows));
});
