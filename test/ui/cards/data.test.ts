import { describe, expect, it } from "vitest";
import { FINDING_KINDS } from "../../../src/data/findings.ts";
import { lengthHistogram } from "../../../src/data/histogram.ts";
import { COLUMN_ROLES } from "../../../src/data/mapping.ts";
import { mappingWords, ROLE_OPTIONS, shownMapping } from "../../../src/ui/cards/data/columns.ts";
import { canOpen, doctorVerdict, findingGroups, placeWords } from "../../../src/ui/cards/data/doctor.ts";
import { findRow } from "../../../src/ui/cards/data/find-row.ts";
import { barsOf, lengthSummary } from "../../../src/ui/cards/data/lengths.ts";
import { cutCount, cutText, tokensOf, tokenWords } from "../../../src/ui/cards/data/pieces.ts";
import { dataCardState, dataSummary, formWords, keptWords, splitWords } from "../../../src/ui/cards/data/summary.ts";
import type { DataState, Diagnosis } from "../../../src/worker/protocol.ts";

const finding = (code: keyof typeof FINDING_KINDS, line: number | null, set: "train" | "validation" = "train") => ({
  ...{ code, severity: FINDING_KINDS[code].severity, set, file: "sub/chats.jsonl", line, message: `${code} here` },
});
const KEPT = Array.from({ length: 264 }, (_, i) => i);
const DIAGNOSIS: Diagnosis = {
  findings: [finding("unreadable-row", 7), finding("duplicate", 9), finding("prompt-in-validation", 11)],
  counts: { "unreadable-row": 6, duplicate: 3, "prompt-in-validation": 5 },
  train: {
    ...{ file: "sub/chats.jsonl", rows: 270, kept: KEPT, duplicates: [], forms: { messages: 264 }, lengths: [] },
    ...{ tokens: 9000, supervised: 3000 },
  },
  validation: null,
};
const CLEAN: Diagnosis = { ...DIAGNOSIS, findings: [], counts: {}, train: { ...DIAGNOSIS.train, rows: 264 } };
const DATA: DataState = {
  ...{ phase: "ready", source: "files", title: "chats.jsonl", progress: null, columns: [], needsMapping: false },
  ...{ proposal: null, mapping: null, diagnosis: DIAGNOSIS, histogram: null, questions: [], error: null },
  split: { train: 240, valid: 24, own: false },
};

describe("the Data card's line", () => {
  it("says what is kept and how much to look at; notes are no problem", () => {
    expect(dataSummary(DATA)).toBe("chats.jsonl · 264 of 270 records · 9 to look at");
    expect(dataSummary({ ...DATA, diagnosis: CLEAN })).toBe("chats.jsonl · 264 records · no problems");
    expect(dataCardState({ ...DATA, diagnosis: CLEAN })).toBe("success");
    const noted = { ...CLEAN, findings: [finding("prompt-in-validation", 1)], counts: { "prompt-in-validation": 1 } };
    expect(dataCardState({ ...DATA, diagnosis: noted })).toBe("success");
    expect(dataCardState(DATA)).toBe("partial");
  });

  it("has a state and words for every phase", () => {
    const none = { ...DATA, phase: "none" as const };
    expect([dataCardState(none), dataSummary(none)]).toEqual(["empty", "No data chosen"]);
    const checking = { ...DATA, phase: "checking" as const, progress: 0.427 };
    expect([dataCardState(checking), dataSummary(checking)]).toEqual(["loading", "chats.jsonl · checking, 42 %"]);
    const waiting = { ...DATA, diagnosis: null };
    expect([dataCardState(waiting), dataSummary(waiting)]).toEqual([
      "partial",
      "chats.jsonl · read, waiting for a model",
    ]);
    const useless = { ...DATA, diagnosis: { ...DIAGNOSIS, train: { ...DIAGNOSIS.train, kept: [] } } };
    expect([dataCardState(useless), dataSummary(useless)]).toEqual(["error", "chats.jsonl · no record can be used"]);
    const failed = { ...DATA, phase: "failed" as const, title: "" };
    expect([dataCardState(failed), dataSummary(failed)]).toEqual(["error", "could not be used"]);
  });

  it("says form, kept records and split in words", () => {
    expect(formWords({ messages: 200, text: 4 })).toBe("Chat messages (200) and plain text (4)");
    expect(formWords({ alpaca: 3 })).toBe("Alpaca instructions");
    expect(keptWords({ kept: [1], rows: 3 })).toBe("1 of 3 records are kept");
    expect(keptWords({ kept: [0, 1, 2], rows: 3 })).toBe("All 3 records are kept");
    expect(splitWords(DATA, 0)).toBe("240 to train, 24 to validate (drawn automatically, seed 0)");
    expect(splitWords({ ...DATA, split: { train: 8, valid: 0, own: false } }, 0)).toMatch(/too few/);
    const own = {
      ...{ ...DATA, split: { train: 264, valid: 20, own: true } },
      diagnosis: { ...CLEAN, validation: { ...CLEAN.train, file: "sub/valid.jsonl" } },
    };
    expect(splitWords(own, 0)).toBe("264 to train, 20 to validate from valid.jsonl");
  });
});

describe("the dataset doctor's findings", () => {
  it("are grouped by code with all that were counted", () => {
    const groups = findingGroups(DIAGNOSIS);
    expect(groups.map(({ code, count, severity }) => [code, count, severity])).toEqual([
      ["unreadable-row", 6, "error"],
      ["duplicate", 3, "warning"],
      ["prompt-in-validation", 5, "note"],
    ]);
    const nothing = { ...DIAGNOSIS, findings: [finding("nothing-left", null), finding("not-a-record", 2)] };
    expect(findingGroups(nothing).map(({ code }) => code)).toEqual(["not-a-record"]);
    expect(findingGroups({ ...nothing, findings: [finding("nothing-left", null)] })).toHaveLength(1);
  });

  it("open only where there is a record", () => {
    const openable = [finding("duplicate", 9), finding("unreadable-row", 7), finding("duplicate", 9, "validation")];
    expect([...openable, finding("duplicate", null)].map(canOpen)).toEqual([true, false, false, false]);
    expect(placeWords(finding("duplicate", 1234), 1)).toBe("Line 1,234");
    expect(placeWords(finding("duplicate", 9, "validation"), 2)).toBe("chats.jsonl (validation), line 9");
  });

  it("end in a verdict", () => {
    expect(doctorVerdict(DIAGNOSIS)).toEqual({
      ...{ tone: "warn", text: "264 of 270 records are kept. 9 things to look at." },
    });
    expect(doctorVerdict(CLEAN).tone).toBe("good");
    expect(doctorVerdict({ ...CLEAN, train: { ...CLEAN.train, kept: [] } }).tone).toBe("bad");
  });
});

describe("columns", () => {
  it("offer every role the reader knows", () => {
    expect(ROLE_OPTIONS.map(({ value }) => value).sort()).toEqual([...COLUMN_ROLES].sort());
  });

  it("show the mapping by hand before the guess, and leave nothing out", () => {
    const columns = [{ name: "q" }, { name: "constructor" }];
    expect(shownMapping(columns, null, { q: "prompt" })).toEqual({ q: "prompt", constructor: "ignore" });
    expect(shownMapping(columns, { q: "text" }, { q: "prompt" })).toEqual({ q: "text", constructor: "ignore" });
    expect(mappingWords({ id: "ignore", q: "prompt", a: "completion" })).toBe("q as prompt, a as answer");
  });
});

describe("finding the record of a line", () => {
  it("asks for few rows, and says when there is none", async () => {
    const lines = Array.from({ length: 1000 }, (_, i) => 3 * i + 1);
    let asked = 0;
    const rows = async (offset: number, count: number) => {
      asked++;
      return lines.slice(offset, offset + count).map((line) => ({ line }));
    };
    expect(await findRow(rows, 1000, 1)).toBe(0);
    expect(await findRow(rows, 1000, 2998)).toBe(999);
    expect(await findRow(rows, 1000, 1501)).toBe(500);
    expect(await findRow(rows, 1000, 1502)).toBeNull();
    expect(asked).toBeLessThanOrEqual(4 * 10);
    expect(await findRow(async () => [], 1000, 5)).toBeNull();
  });
});

describe("lengths", () => {
  it("become bars side by side, the last for all over the limit", () => {
    const bars = barsOf(lengthHistogram([5, 10, 11, 30, 99], { limit: 30, bins: 3 }));
    expect(bars).toEqual([
      { from: 0, to: 10, count: 2 },
      { from: 10, to: 20, count: 1 },
      { from: 20, to: 30, count: 1 },
      { from: 30, to: 40, count: 1 },
    ]);
    expect(barsOf(lengthHistogram([5], { limit: 30 })).at(-1)?.to).toBe(5);
  });

  it("are told in a sentence", () => {
    expect(lengthSummary([10, 20, 900], 512)).toBe(
      "Half have at most 20 tokens; the longest has 900. 1 of 3 is longer than the limit of 512 and cut there.",
    );
    expect(lengthSummary([10, 20, 30], 512)).toMatch(/None is longer than the limit of 512\.$/);
    expect(lengthSummary([], 512)).toBe("No records.");
  });
});

describe("a record as the model sees it", () => {
  const piece = (text: string, ids: number[], supervised = false) => ({ text, ids, supervised, special: false });
  const preview = {
    ...{ line: 4, tokens: 4, supervised: 3, truncatedAt: 2 },
    pieces: [piece("Hi", [1]), piece("🦜", [2, 3, 4], true), piece(" more", [5]), piece("!", [6])],
  };

  it("has one token for each id, and none behind the cut", () => {
    expect(tokensOf(preview).map(({ text, id, loss }) => [text, id, loss])).toEqual([
      ["Hi", 1, false],
      ["🦜", 2, true],
      ["", 3, true],
      ["", 4, true],
    ]);
    expect(tokensOf({ ...preview, truncatedAt: null })).toHaveLength(6);
  });

  it("says what is cut off", () => {
    expect([cutCount(preview), cutText(preview), tokenWords(preview)]).toEqual([2, " more!", "4 tokens, 3 carry loss"]);
    expect([cutCount({ ...preview, truncatedAt: null }), cutText({ ...preview, truncatedAt: null })]).toEqual([0, ""]);
  });
});
