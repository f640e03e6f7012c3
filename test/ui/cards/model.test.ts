import { describe, expect, it } from "vitest";
import type { ErrorCode, LorikeetError } from "../../../src/core/errors.ts";
import { ERROR_CODES } from "../../../src/core/errors.ts";
import { refusal } from "../../../src/hub/refusal.ts";
import {
  catalogueChoice,
  folderName,
  isHere,
  keptTotal,
  MEMORY_OPTIONS,
  memoryOf,
  needOf,
  othersWords,
  smallerModel,
  sortChoices,
  sourceOf,
} from "../../../src/ui/cards/model/choices.ts";
import { failureOf, failureTitle } from "../../../src/ui/cards/model/failures.ts";
import {
  loadWords,
  modelCardState,
  modelFacts,
  modelSummary,
  tooLarge,
  transferDetail,
} from "../../../src/ui/cards/model/summary.ts";
import type { CatalogueRow, KeptModel, MemoryPlan, ModelState } from "../../../src/worker/protocol.ts";

const need = (peakBytes: number, verdict: string) => ({ weightBytes: 1, adapterBytes: 1, peakBytes, verdict });
const row = (id: string, parameters: number, plain: string | null, checkpointed = plain): CatalogueRow =>
  ({
    entry: {
      ...{ id, title: id.slice(2), purpose: "Good for tests.", parameters, gated: false, coded: null },
      licence: { id: "MIT", name: "MIT License", url: "https://example.org", restriction: null },
    },
    ...{ downloadBytes: 271e6, supported: true, reason: null, page: "", access: null, contextTokens: 1 },
    plain: plain === null ? null : need(2e9, plain),
    checkpointed: checkpointed === null ? null : need(1e9, checkpointed),
  }) as unknown as CatalogueRow;
const spaced = (facts: string) => facts.replaceAll("\u00a0", " ");
/** The codes of another row's model. */
const codes = (id: string, original: string, parameters: number, plain: string): CatalogueRow => {
  const one = row(id, parameters, plain);
  return { ...one, entry: { ...one.entry, coded: { bits: 4, group: 64, original } } };
};
const kept = (id: string, whole: boolean, bytes = 1e9): KeptModel => ({
  ...{ key: `hub:${id}`, title: id, choice: { kind: "hub", id }, bytes, whole },
});

describe("choices of a model", () => {
  it("knows the source of a choice", () => {
    const rows = [row("a/small", 1, "fits")];
    expect(sourceOf(null, rows)).toBe("demo");
    expect(sourceOf({ kind: "folder", name: "x" }, rows)).toBe("folder");
    expect(sourceOf({ kind: "hub", id: "A/Small" }, rows)).toBe("catalogue");
    expect(sourceOf({ kind: "hub", id: "a/other" }, rows)).toBe("hub");
    expect(sourceOf({ kind: "hub", id: "a/small", revision: "v1" }, rows)).toBe("hub");
    expect(sourceOf({ kind: "hub", id: "a/small" }, null)).toBe("hub");
  });

  it("reads the memory select", () => {
    expect(MEMORY_OPTIONS.map(({ value }) => memoryOf(value))).toEqual([null, 8, 16, 24, 32, 48, 64, 96, 128]);
  });

  it("puts a row into words, with the memory of the way it would be trained", () => {
    const choice = catalogueChoice(row("a/small", 1, "fits"), [kept("A/small", false)]);
    expect(spaced(choice.facts)).toBe("MIT License · 271 MB to download · 2.0 GB of memory");
    expect(choice.facts.split(" · ").join("")).not.toContain(" ");
    expect(choice).toMatchObject({ badge: { text: "Fits", tone: "good" }, kept: "part", disabled: null });
    expect(needOf(row("a/mid", 1, "too-large", "tight"))).toEqual({ bytes: 1e9, verdict: "tight" });
    expect(catalogueChoice(row("a/mid", 1, "too-large", "tight"), [])).toMatchObject({
      ...{ badge: { text: "Tight", tone: "warn" }, kept: null, disabled: null },
    });
  });

  it("says who quantised it", () => {
    const choice = catalogueChoice(codes("mlx/big-4bit", "a/big", 1, "fits"), []);
    expect(spaced(choice.facts)).toMatch(/^Quantised by mlx · MIT License · /);
    expect(spaced(catalogueChoice(row("a/big", 1, "fits"), []).facts)).toMatch(/^MIT License/);
  });

  it("keeps what cannot be chosen apart, in order", () => {
    const odd = { ...row("a/odd", 1, null), supported: false, reason: "odd" };
    const rows = [row("a/s", 1, "fits"), row("a/l", 9, "too-large"), row("a/t", 5, "tight"), odd];
    const { here, others } = sortChoices(rows, []);
    expect(here.map(({ id }) => id)).toEqual(["a/s", "a/t"]);
    expect(others.map(({ id }) => id)).toEqual(["a/l", "a/odd"]);
    expect([othersWords(1), othersWords(12)]).toEqual(["1 model does not fit here", "12 models do not fit here"]);
  });

  it("refuses what is too large, unknown or impossible here, with the reason", () => {
    const large = catalogueChoice(row("a/large", 1, "too-large"), []);
    expect(large.badge.text).toBe("Too large");
    expect(large.disabled).toMatch(/more memory/);
    const unknown = { ...row("a/odd", 1, null), supported: false, reason: "odd is not supported yet" };
    expect(catalogueChoice(unknown, [])).toMatchObject({
      ...{ badge: { text: "Not supported yet" }, disabled: "odd is not supported yet." },
    });
    const limited = { ...row("a/wide", 1, null), reason: "a buffer of 2 GB is over the limit" };
    expect(catalogueChoice(limited, [])).toMatchObject({
      ...{ badge: { text: "Does not run here" }, disabled: "a buffer of 2 GB is over the limit" },
    });
  });

  it("suggests the largest smaller model that fits", () => {
    const rows = [row("a/s", 100, "fits"), row("a/m", 300, "fits"), row("a/t", 400, "tight"), row("a/l", 900, "fits")];
    expect(smallerModel(rows, { parameters: 800 })?.id).toBe("a/m");
    expect(smallerModel(rows)?.id).toBe("a/l");
    expect(smallerModel(rows, { parameters: 100 })).toBeNull();
    expect(smallerModel(null)).toBeNull();
    const same = codes("mlx/x-4bit", "b/x", 800, "fits");
    expect(smallerModel([...rows, same], { id: "B/X", parameters: 800 })?.id).toBe("mlx/x-4bit");
    expect(smallerModel([...rows, same], { id: "b/y", parameters: 800 })?.id).toBe("a/m");
    const large = codes("mlx/x-4bit", "b/x", 800, "too-large");
    expect(smallerModel([...rows, large], { id: "b/x", parameters: 800 })?.id).toBe("a/m");
  });

  it("knows what needs no network, and sums what is kept", () => {
    const list = [kept("a/whole", true), kept("a/part", false, 5e8)];
    const here = (id: string) => isHere({ kind: "hub", id }, list);
    expect([here("a/whole"), here("a/part"), here("a/none"), isHere({ kind: "demo" }, [])]).toEqual([
      ...[true, false, false, true],
    ]);
    expect(keptTotal(list)).toBe("2 models, 1.5 GB");
    expect(keptTotal([])).toBe("none yet");
  });

  it("takes the folder's name from the paths", () => {
    expect(folderName([{ path: "my-model/config.json" }])).toBe("my-model");
    expect(folderName([{ path: "config.json" }])).toBe("Dropped files");
  });
});

const MODEL: ModelState = {
  ...{ choice: { kind: "hub", id: "Qwen/Qwen2.5-0.5B" }, title: "Qwen/Qwen2.5-0.5B", phase: "ready" },
  facts: {
    ...{ family: "qwen2", blocks: 24, parameters: 494_032_768, element: "bf16", bytes: 9.88e8 },
    ...{ maxTokens: 32768, vocabulary: 151936 },
  },
  ...{ modules: [], hasChatTemplate: true, downloadBytes: 9.95e8, transfer: null, kept: true },
  ...{ warning: null, error: null },
};
const transfer = { done: 412e6, total: 988e6, bytesPerSecond: 21e6, secondsLeft: 27 };

describe("the Model card's line", () => {
  it("says name, size and whether it fits", () => {
    expect(modelSummary(MODEL, true, "fits")).toBe("Qwen2.5-0.5B · 995 MB · fits");
    expect(modelSummary(MODEL, true, null)).toBe("Qwen2.5-0.5B · 995 MB");
    expect(modelSummary({ ...MODEL, phase: "known" }, false, "tight")).toBe(
      "Qwen2.5-0.5B · 995 MB · tight · not downloaded yet",
    );
  });

  it("says what is going on, or wrong", () => {
    expect(modelSummary({ ...MODEL, phase: "none" }, true, null)).toBe("No model chosen");
    expect(modelSummary({ ...MODEL, phase: "loading", transfer }, false, null)).toBe("Qwen2.5-0.5B · loading, 41 %");
    expect(modelSummary({ ...MODEL, phase: "paused", transfer }, false, null)).toBe(
      "Qwen2.5-0.5B · paused at 412 MB of 988 MB",
    );
    const error = { kind: "model", code: "out-of-memory", message: "x" } as const;
    expect(modelSummary({ ...MODEL, phase: "failed", error }, false, null)).toBe(
      "Qwen2.5-0.5B · the GPU ran out of memory",
    );
  });

  it("has a state for every phase", () => {
    const phases = ["none", "reading", "known", "loading", "paused", "ready", "failed"] as const;
    const states = (here: boolean) => phases.map((phase) => modelCardState({ ...MODEL, phase }, here));
    expect(states(true)).toEqual(["empty", "loading", "success", "loading", "partial", "success", "error"]);
    expect(states(false)[2]).toBe("partial");
  });

  it("leaves out of a transfer what nobody knows", () => {
    expect(transferDetail(transfer)).toBe("412 MB of 988 MB · 21.0 MB/s · 27 s left");
    expect(transferDetail({ ...transfer, secondsLeft: null })).toBe("412 MB of 988 MB · 21.0 MB/s");
    expect(transferDetail({ ...transfer, secondsLeft: null, bytesPerSecond: null })).toBe("412 MB of 988 MB");
  });

  it("names facts in words and the button by what it does", () => {
    const value = (name: string) => modelFacts(MODEL).find((fact) => fact.name === name)?.value;
    expect([value("Parameters"), value("Precision"), value("Context")]).toEqual([
      ...["494 million", "bfloat16", "32,768 tokens"],
    ]);
    expect(modelFacts({ ...MODEL, facts: null })).toEqual([]);
    expect([loadWords(MODEL, false), loadWords(MODEL, true)]).toEqual(["Download and load, 995 MB", "Load"]);
  });
});

describe("failures of a model", () => {
  const error = (code?: ErrorCode) => ({ kind: "model" as const, message: "x", ...(code && { code }) });

  it("have words of their own, and each a way on", () => {
    const codes: ErrorCode[] = ["gated", "not-found", "offline", "storage-full", "model-too-large"];
    codes.push("out-of-memory", "device-lost");
    const titles = codes.map((code) => failureTitle(error(code)));
    expect(new Set([...titles, failureTitle(error())]).size).toBe(codes.length + 1);
    for (const code of [...ERROR_CODES, undefined]) {
      for (const begun of [true, false]) expect(failureOf(error(code), begun, "hub").remedies).not.toEqual([]);
    }
  });

  it("tell apart nobody, a token that is unknown, and an account without access", async () => {
    const answer = async (status: number, hasToken: boolean) => {
      const said = (await refusal(new Response(null, { status }), "org/model", hasToken)) as LorikeetError;
      return failureTitle(said.toData());
    };
    expect(await answer(401, false)).toMatch(/wants a token/);
    expect(await answer(401, true)).toMatch(/did not accept the token/);
    expect(await answer(403, true)).toMatch(/has not been given access/);
  });

  it("say of a model that no settings can make it fit", () => {
    const plan = { weightBytes: 141e9, budgetBytes: 11e9 } as MemoryPlan;
    const known = { ...MODEL, phase: "known" } as const;
    expect(tooLarge({ model: known, plan, planError: null })).toMatch(/weights alone take 141 GB.* about 11.0 GB/);
    expect(
      tooLarge({ model: known, plan: { ...plan, weightBytes: 1e9, peakBytes: 2e10 }, planError: null }),
    ).toBeNull();
    expect(tooLarge({ model: { ...known, phase: "reading" }, plan, planError: null })).toBeNull();
    expect(tooLarge({ model: known, plan: null, planError: error("model-too-large") })).toBe("x");
    expect(tooLarge({ model: known, plan: null, planError: error() })).toBeNull();
  });

  it("go on where they stopped once the weights were on their way", () => {
    expect(failureOf(error("offline"), true, "hub").remedies).toEqual(["load-again"]);
    expect(failureOf(error("offline"), true, "hub").advice.join()).toMatch(/has arrived is kept/);
    expect(failureOf(error("offline"), false, "hub").remedies).toEqual(["choose-again"]);
    expect(failureOf(error("offline"), false, "hub").advice).toEqual([]);
  });

  it("tell a folder that is gone from a name that does not exist", () => {
    expect(failureOf(error("not-found"), false, "folder").remedies[0]).toBe("choose-again");
    expect(failureOf(error("not-found"), false, "hub").remedies[0]).toBe("change-id");
  });
});
