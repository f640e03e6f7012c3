/** Members go, and every other character stays. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withoutMembers } from "../../src/core/json-members.ts";

describe("withoutMembers", () => {
  it("leaves spacing, order and the spelling of numbers", () => {
    const text = '{\n  "eps": 1e-05,\n  "gone": {"a": [1, "}"], "b": {}},\n  "theta": 10000.0\n}\n';
    expect(withoutMembers(text, ["gone"])).toBe('{\n  "eps": 1e-05,\n  "theta": 10000.0\n}\n');
    expect(withoutMembers(text, ["eps", "theta"])).toBe('{\n  "gone": {"a": [1, "}"], "b": {}}\n}\n');
    expect(withoutMembers(text, ["a", "none"])).toBe(text);
    expect(withoutMembers(text, ["eps", "gone", "theta"])).toBe("{\n}\n");
  });

  it("of any object equals leaving them out of the value", () => {
    const keys = fc.constantFrom("a", "b", 'q"', "c\\", "");
    const objects = fc.dictionary(keys, fc.jsonValue(), { maxKeys: 5 });
    fc.assert(
      fc.property(objects, fc.array(keys), fc.constantFrom(0, 2), (object, gone, indent) => {
        const expected = Object.fromEntries(
          Object.entries(object).filter(([key]) => !(gone as string[]).includes(key)),
        );
        expect(JSON.parse(withoutMembers(JSON.stringify(object, null, indent), gone))).toEqual(
          JSON.parse(JSON.stringify(expected)),
        );
      }),
    );
  });
});
