import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { knobTable } from "../src/train/config.ts";

it("README's table of knobs is the table of knobs", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const table = /<!-- knobs:.*-->\n([\s\S]*?)<!-- \/knobs -->/.exec(readme)?.[1];
  expect(table?.trim()).toBe(knobTable().trim());
});
