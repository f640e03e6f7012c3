import { describe, expect, it } from "vitest";
import { explainFault, FINDING_KINDS, Findings } from "../../src/data/findings.ts";
import { faultsOf } from "./support.ts";

describe("codes", () => {
  it("every fault that a record can have gets the code that a test above expects, by its words", () => {
    const one = (value: unknown) =>
      faultsOf(value).map((fault) => explainFault(fault.replace("data.jsonl line 7: ", "")).code);
    expect(one({ messages: [{ role: "x" }, { role: "assistant", content: "" }] })).toEqual([
      "unknown-role",
      "empty-answer",
    ]);
    expect(one({ instruction: " ", output: "o" })).toEqual(["bad-field"]);
    expect(one({ instruction: "i", output: null, input: "i" })).toEqual(["not-a-record"]);
    expect(one({ text: "" })).toEqual(["empty-answer"]);
    expect(one({ tools: 5, prompt: "p", completion: "c" })).toEqual(["bad-field"]);
  });

  it("are explained in one sentence each, and sorted by weight", () => {
    const findings = new Findings(2);
    findings.add("duplicate", { set: "train", file: "a", line: 9 }, "m");
    findings.add("unknown-role", { set: "validation", file: "b", line: 1 }, "m");
    findings.add("unknown-role", { set: "train", file: "a", line: 7 }, "m");
    expect(findings.sorted().map(({ code, line }) => [code, line])).toEqual([
      ["unknown-role", 7],
      ["unknown-role", 1],
      ["duplicate", 9],
    ]);
    const order = Object.values(FINDING_KINDS).map(({ severity }) => ["error", "warning", "note"].indexOf(severity));
    expect(order).toEqual([...order].sort());
    for (const { title, explanation } of Object.values(FINDING_KINDS)) {
      expect(explanation).toMatch(/^[A-Z][^.!]*\.$/);
      expect(title).not.toMatch(/[.!]$/);
    }
  });
});
