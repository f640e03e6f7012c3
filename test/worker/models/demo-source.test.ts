import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readText } from "../../../src/core/bytes.ts";
import { demoSource } from "../../../src/worker/models/demo-source.ts";
import { neededFiles } from "../../../src/worker/models/needed.ts";

const DEMO = new URL("../../../public/demo/", import.meta.url);

/** The page's server, by name; `failures` answers of 404 come first. */
function server(failures = 0) {
  const asked: string[] = [];
  const fetch = async (url: string | URL | Request) => {
    asked.push(String(url));
    if (failures-- > 0) return new Response("not found", { status: 404 });
    return new Response(readFileSync(new URL(String(url).split("/").at(-1)!, DEMO)));
  };
  return { asked, fetch: fetch as typeof globalThis.fetch };
}

describe("demoSource", () => {
  it("has what training needs, all of it there, each fetched once", async () => {
    const { asked, fetch } = server();
    const source = demoSource("https://example.org/lorikeet", { fetch });
    expect(readdirSync(DEMO)).toEqual(expect.arrayContaining(await source.list()));
    const [a, b] = await Promise.all([source.open("model.safetensors"), source.open("model.safetensors")]);
    expect(a).toBe(b);
    const { files } = await neededFiles(source);
    expect(files).toHaveLength(5);
    expect(await readText(source, "config.json")).toContain("llama");
    expect(asked).toHaveLength(5);
    expect(asked).toContain("https://example.org/lorikeet/demo/config.json");
    expect(await source.open("train.jsonl")).toBeNull();
  });

  it("lies beside the page, with or without a slash at the end of its address", async () => {
    for (const base of ["http://localhost:5173/", "http://localhost:5173"]) {
      const { asked, fetch } = server();
      await demoSource(base, { fetch }).open("config.json");
      expect(asked).toEqual(["http://localhost:5173/demo/config.json"]);
    }
  });

  it("asks again for a file that did not come", async () => {
    const source = demoSource("http://localhost", { fetch: server(1).fetch });
    await expect(source.open("config.json")).rejects.toMatchObject({
      message: "Built-in demo/config.json: expected the file, got status 404",
      code: "not-found",
    });
    expect((await source.open("config.json"))?.size).toBeGreaterThan(100);
  });
});
