import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { install, installError, isInstalled, sameVersions } from "../../../src/cli/launch/install.mjs";

interface Package {
  readonly version: string;
  readonly integrity?: string;
  readonly optional?: boolean;
}
const lockOf = (packages: Record<string, Package | object>) => JSON.stringify({ packages });
const A = { version: "1.0.0", integrity: "sha512-a" };
const LOCK = lockOf({ "": {}, "node_modules/a": A, "node_modules/mac-only": { version: "1.0.0", optional: true } });

describe("sameVersions", () => {
  it("accepts npm's own record, without the packages of other platforms", () => {
    expect(sameVersions(LOCK, lockOf({ "node_modules/a": A }))).toBe(true);
  });

  it.each([
    ["another version", lockOf({ "node_modules/a": { ...A, version: "1.0.1" } })],
    ["another content", lockOf({ "node_modules/a": { ...A, integrity: "sha512-b" } })],
    ["a package that is missing", lockOf({})],
    ["a record cut off", LOCK.slice(0, 20)],
  ])("refuses %s", (_, installed) => {
    expect(sameVersions(LOCK, installed)).toBe(false);
  });
});

describe("a folder", () => {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), "lorikeet-test-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("is installed once npm's record agrees, until the lock file changes", () => {
    expect(isInstalled(folder, LOCK)).toBe(false);
    mkdirSync(path.join(folder, "node_modules"));
    writeFileSync(path.join(folder, "node_modules", ".package-lock.json"), lockOf({ "node_modules/a": A }));
    expect(isInstalled(folder, LOCK)).toBe(true);
    // The second time by the mark alone.
    rmSync(path.join(folder, "node_modules", ".package-lock.json"));
    expect(isInstalled(folder, LOCK)).toBe(true);
    expect(isInstalled(folder, LOCK.replace("1.0.0", "1.0.1"))).toBe(false);
  });

  it("without a lock file has nothing to install", async () => {
    await expect(install(folder)).resolves.toBeUndefined();
  });

  it("whose lock file npm refuses gives npm's words and a hint", async () => {
    writeFileSync(path.join(folder, "package-lock.json"), "{");
    await expect(install(folder)).rejects.toThrow(/npm could not install the packages/);
  });
});

describe("the hint of a failed installation", () => {
  it.each([
    ["npm error code ENOTFOUND", /registry was not reached/],
    ["npm error code EACCES", /cannot be written/],
    ["npm error ENOSPC: no space left", /disk is full/],
    ["spawn npm ENOENT", /comes with Node/],
    ["npm error code E500", /npm ci/],
  ])("for %s", (output, hint) => {
    expect(installError(output).hint).toMatch(hint);
  });
});
