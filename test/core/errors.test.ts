import { describe, expect, it } from "vitest";
import { dataError, ERROR_CODES, type ErrorKind, LorikeetError, Problems, shapeError } from "../../src/core/errors.ts";

describe("LorikeetError", () => {
  it("is named after its kind", () => {
    const kinds: ErrorKind[] = ["format", "data", "shape", "config", "model", "device"];
    expect(kinds.map((kind) => new LorikeetError(kind, "m").name)).toEqual([
      "FormatError",
      "DataError",
      "ShapeError",
      "ConfigError",
      "ModelError",
      "DeviceError",
    ]);
    expect(String(shapeError("[add] a is [2]"))).toBe("ShapeError: [add] a is [2]");
  });

  it.each([["do this"], [undefined]])("crosses a worker boundary as data, with hint %s", (hint) => {
    const error = new LorikeetError("device", "lost", hint);
    const back = LorikeetError.fromData(structuredClone(error.toData()));
    expect(back).toBeInstanceOf(LorikeetError);
    expect([back.kind, back.name, back.message, back.hint]).toEqual(["device", "DeviceError", "lost", hint]);
    expect("hint" in error.toData()).toBe(hint !== undefined);
    expect("code" in error.toData()).toBe(false);
  });

  it("carries its code across a worker boundary", () => {
    const codes = ERROR_CODES.map((code) => {
      const data = structuredClone(dataError("m", undefined, code).toData());
      expect(data).toEqual({ kind: "data", message: "m", code });
      return LorikeetError.fromData(data).code;
    });
    expect(codes).toEqual([...ERROR_CODES]);
    expect(LorikeetError.fromData(dataError("m").toData()).code).toBeUndefined();
  });
});

describe("Problems", () => {
  const report = (count: number, limit?: number): string => {
    const problems = new Problems();
    for (let i = 1; i <= count; i++) problems.add(`problem ${i}`);
    try {
      problems.throwIfAny("format", "model.safetensors", "Download it again.", limit);
      return "";
    } catch (error) {
      expect(error).toMatchObject({ name: "FormatError", hint: "Download it again." });
      return (error as Error).message;
    }
  };

  it("throws nothing for none, and one error for all", () => {
    expect(report(0)).toBe("");
    expect(report(1)).toBe("model.safetensors: 1 problem\n  problem 1");
    expect(report(2)).toBe("model.safetensors: 2 problems\n  problem 1\n  problem 2");
  });

  it("shortens a long list, and says by how much", () => {
    expect(report(5, 2)).toBe("model.safetensors: 5 problems\n  problem 1\n  problem 2\n  … and 3 more");
    expect(report(20).split("\n")).toHaveLength(21);
    expect(report(21).split("\n").at(-1)).toBe("  … and 1 more");
  });
});
