/** The reference implementation's own hostile files, judged as it judges them. Read in place where they are available. */

import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { memorySource } from "../../src/core/bytes.ts";
import { LorikeetError } from "../../src/core/errors.ts";
import { openSafetensors } from "../../src/formats/safetensors.ts";

const folder = new URL("../../../shared/data/vectors/safetensors_malformed/", import.meta.url);
const present = existsSync(new URL("manifest.json", folder));
const manifest: { file: string; expect: "accept" | "reject" }[] = present
  ? JSON.parse(readFileSync(new URL("manifest.json", folder), "utf8"))
  : [{ file: "(vectors are not here)", expect: "accept" }];

describe.skipIf(!present)("reference vectors", () => {
  it.each(manifest)("$file: $expect", async ({ file, expect: verdict }) => {
    const opening = openSafetensors(memorySource(file, readFileSync(new URL(file, folder))));
    if (verdict === "accept") await expect(opening).resolves.toBeDefined();
    else await expect(opening).rejects.toBeInstanceOf(LorikeetError);
  });
});
