/** What the support gate says in each browser. */
import { describe, expect, it } from "vitest";
import { deviceError } from "../../../src/core/errors.ts";
import { describeSupport } from "../../../src/gpu/support.ts";
import {
  blockedAdvice,
  blockedTitle,
  errorWords,
  gateOf,
  hereWords,
  neededWords,
  readyDetail,
  reservations,
  rowState,
  storageWords,
  timeWords,
} from "../../../src/ui/gate/gate-text.ts";
import type { Opening, SelfTestResult, SupportRow } from "../../../src/worker/protocol.ts";

const test = (passed: boolean): SelfTestResult => ({
  ...{ name: "Attention", guards: "answers", passed, error: passed ? 3e-7 : Number.NaN, tolerance: 1e-4 },
  ...{ evidence: "expected 1, got 2", milliseconds: 38.2 },
});
const OPENING: Opening = {
  support: {
    adapter: { name: "Apple M2", vendor: "apple", architecture: "metal-3", software: false },
    ...{ rows: [], verdict: { state: "ready" } },
  },
  ...{ environment: [], selfTests: [test(true), test(true)], draft: null, blocked: null },
  storage: { lasting: true, note: "Kept in this browser.", usedBytes: 1.6e9, quotaBytes: 48e9 },
};

/** As the engine opens where the GPU cannot be used. */
async function without(gpu: GPU | undefined, secure: boolean): Promise<Opening> {
  const support = await describeSupport(gpu, secure);
  const { verdict } = support;
  const blocked =
    verdict.state === "blocked" ? deviceError(verdict.reason, verdict.remedy, "no-webgpu").toData() : null;
  return { ...OPENING, support, selfTests: [], blocked };
}

describe("the gate", () => {
  it("looks, breaks, blocks or opens", () => {
    expect(gateOf(null, null).kind).toBe("looking");
    expect(gateOf(OPENING, null).kind).toBe("ready");
    const error = { kind: "device", message: "no worker" } as const;
    expect(gateOf(null, error)).toMatchObject({ kind: "broken", title: expect.stringContaining("could not start") });
    expect(gateOf(OPENING, error)).toMatchObject({ kind: "broken", title: expect.stringContaining("has stopped") });
    expect(gateOf({ ...OPENING, blocked: { kind: "device", message: "m" } }, null).kind).toBe("blocked");
  });

  it("says in one line that all is well", () => {
    expect(readyDetail(OPENING)).toBe("Apple M2, 2 of 2 checks passed");
    expect(reservations(OPENING)).toEqual([]);
  });

  it("has reservations about software and fleeting storage", () => {
    const adapter = { ...OPENING.support.adapter!, software: true };
    const slow = { ...OPENING, support: { ...OPENING.support, adapter } };
    expect(reservations(slow).join()).toContain("processor");
    const fleeting = { ...OPENING, storage: { ...OPENING.storage, lasting: false } };
    expect(reservations(fleeting).join()).toContain("before you close");
  });

  it("says what is missing and what to do, as the engine found it", async () => {
    const none = await without(undefined, true);
    expect(blockedTitle(none)).toBe("This browser has no WebGPU.");
    expect(blockedAdvice(none).join()).toContain("Safari 26");
    const insecure = await without(undefined, false);
    expect(blockedTitle(insecure)).toContain("secure connection");
    expect(blockedAdvice(insecure).join()).toContain("https");
    const noAdapter = { requestAdapter: async () => null } as unknown as GPU;
    expect(blockedTitle(await without(noAdapter, true))).toContain("no graphics adapter");
  });

  it("explains a failed self-test", () => {
    const blocked = deviceError("computes wrongly", "Update the browser.", "self-test-failed").toData();
    const failed = { ...OPENING, selfTests: [test(true), test(false)], blocked };
    expect(blockedTitle(failed)).toContain("computes wrongly");
    expect(blockedAdvice(failed)).toEqual([expect.stringContaining("wrong adapter"), "Update the browser."]);
    expect(readyDetail(failed)).toBe("Apple M2, 1 of 2 checks passed");
  });
});

describe("rows of the gate", () => {
  const row = (value: SupportRow["value"], needed: SupportRow["needed"], ok: boolean): SupportRow => ({
    ...{ name: "Buffer", value, needed, unit: "bytes", ok, meaning: "" },
  });

  it("are counted in people's units", () => {
    expect([2 ** 30, true, false, null].map((value) => hereWords(row(value, null, true)))).toEqual([
      ...["1.1 GB", "Yes", "No", "Unknown"],
    ]);
    expect([2 ** 27, true, null].map((needed) => neededWords(row(1, needed as SupportRow["needed"], true)))).toEqual([
      ...["134 MB", "Yes", "Not needed"],
    ]);
    expect(hereWords({ ...row(65_535, null, true), unit: "" })).toBe("65,535");
  });

  it("stand in the way only when they are needed", () => {
    expect(rowState(row(2 ** 30, 2 ** 27, true))).toBe("met");
    expect(rowState(row(2 ** 20, 2 ** 27, false))).toBe("missing");
    expect(rowState(row(false, null, true))).toBe("without");
    expect(rowState(row(true, null, true))).toBe("met");
  });

  it("tell errors of the self-test, and that no number came", () => {
    expect(errorWords(test(true))).toBe("3.0e-7 of 1.0e-4");
    expect(errorWords(test(false))).toBe("no number of 1.0e-4");
    expect(errorWords({ ...test(true), error: 0, tolerance: 0 })).toBe("none");
    expect(timeWords(test(true))).toBe("38 ms");
  });

  it("tell storage as far as it is known", () => {
    expect(storageWords(OPENING.storage)).toBe("Kept in this browser. 1.6 GB of 48.0 GB used.");
    expect(storageWords({ ...OPENING.storage, quotaBytes: null })).toBe("Kept in this browser. 1.6 GB used.");
    expect(storageWords({ ...OPENING.storage, usedBytes: null })).toBe("Kept in this browser.");
  });
});
