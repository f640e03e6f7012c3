import { describe, expect, it } from "vitest";
import { integrityOf, keptFiles, versionOf } from "../../vite/service-worker.ts";

describe("the kept files", () => {
  it("are those of the site, with the page under its folder's address", () => {
    const files = [
      ["index.html", "<!doctype html>"],
      ["assets/index-abc.js", "1"],
      ["assets/_shared-abc.js", "1"],
      ["demo/a b.json", "{}"],
      ["service-worker.js", ""],
      ["_headers", ""],
      [".nojekyll", ""],
      ["demo/README.md", ""],
      ["assets/index-abc.js.map", ""],
      ["test/browser/page/train.html", ""],
    ] as const;
    expect(keptFiles(files).map(([address]) => address)).toEqual([
      "./",
      "./assets/_shared-abc.js",
      "./assets/index-abc.js",
      "./demo/a%20b.json",
    ]);
  });

  it("carry the digest that browsers check", () => {
    // Of "alert('Hello, world.');", from the specification's example (there with SHA-384).
    expect(integrityOf("alert('Hello, world.');")).toBe("sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
    expect(integrityOf(new TextEncoder().encode("é"))).toBe(integrityOf("é"));
  });
});

describe("the version", () => {
  it("is the same for the same files in any order, and another for any change", () => {
    const a = ["a", "1"] as const;
    const b = ["b", "2"] as const;
    const version = versionOf(keptFiles([a, b]), "code");
    expect(version).toMatch(/^[0-9a-f]{16}$/);
    expect(versionOf(keptFiles([b, a]), "code")).toBe(version);
    expect(versionOf(keptFiles([a]), "code")).not.toBe(version);
    expect(versionOf(keptFiles([a, ["b", "3"]]), "code")).not.toBe(version);
    expect(versionOf(keptFiles([a, b]), "other code")).not.toBe(version);
  });
});
