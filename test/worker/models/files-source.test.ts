import { describe, expect, it } from "vitest";
import { readText } from "../../../src/core/bytes.ts";
import { type DroppedFile, filesSource } from "../../../src/worker/models/files-source.ts";
import { TINY } from "./support.ts";

const drop = (prefix: string, files: Readonly<Record<string, Uint8Array<ArrayBuffer>>> = TINY): DroppedFile[] =>
  Object.entries(files).map(([path, bytes]) => ({ path: prefix + path, file: new File([bytes], path) }));
const extra = (path: string): DroppedFile => ({ path, file: new File(["x"], "x") });

describe("filesSource", () => {
  it.each([
    ["", "folder"],
    ["my-model/", "my-model"],
    ["/my-model/", "my-model"],
    ["models/my-model/", "my-model"],
  ])('finds the model below "%s"', async (prefix, label) => {
    const source = filesSource([...drop(prefix), extra(`${prefix}part/config.json`), extra("elsewhere.txt")]);
    expect(source.label).toBe(label);
    const expected = [...Object.keys(TINY), "part/config.json", ...(prefix === "" ? ["elsewhere.txt"] : [])];
    expect(await source.list()).toEqual(expected.sort());
    expect(await readText(source, "config.json")).toContain("llama");
    expect(await source.open("absent")).toBeNull();
  });

  it("reads by range, from files of any size", async () => {
    const file = (await filesSource(drop("m/"), "mine").open("model.safetensors"))!;
    expect([file.name, file.size]).toEqual(["mine/model.safetensors", 5000]);
    const bytes = await file.read(300, 305);
    expect(bytes).toEqual(TINY["model.safetensors"]!.slice(300, 305));
    expect([bytes.byteOffset, bytes.buffer.byteLength]).toEqual([0, 5]);
    await expect(file.read(4000, 5001)).rejects.toThrow("cannot read bytes 4000 to 5001");
  });

  it.each([
    ["nothing", [], /config.json, got no files/, /holds the model's files/],
    ["other files", [extra("b.txt"), extra("a/c.txt")], /config.json, got a\/c.txt, b.txt/, /holds the model's files/],
    ["many", Array.from({ length: 20 }, (_, i) => extra(`${i}`)), /… and 8 more/, /config.json/],
    ["an adapter", [extra("x/adapter_config.json")], /adapter_config.json/, /model it was trained on/],
    ["two models", [...drop("b/"), ...drop("a/")], /expected one model, got 2: a\/, b\//, /one model/],
  ])("refuses %s", (_, files, message, hint) => {
    expect(() => filesSource(files)).toThrow(
      expect.objectContaining({
        kind: "model",
        message: expect.stringMatching(message),
        hint: expect.stringMatching(hint),
      }),
    );
  });

  it("explains a file that changed since it was dropped", async () => {
    const changed = new File(["12345"], "config.json");
    changed.slice = () => ({ arrayBuffer: () => Promise.reject(new DOMException("gone", "NotReadableError")) }) as Blob;
    const file = (await filesSource([{ path: "config.json", file: changed }]).open("config.json"))!;
    await expect(file.read(0, 5)).rejects.toMatchObject({
      message: expect.stringContaining("folder/config.json: expected the file as it was dropped"),
      hint: expect.stringContaining("Drop the folder again"),
    });
  });
});
