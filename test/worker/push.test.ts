/** What goes to the Hub: never an adapter whose answers have collapsed, and a card that says what it is and the verdict. */
import { describe, expect, it, vi } from "vitest";
import { Random } from "../../src/core/random.ts";
import type { WeightElement } from "../../src/gpu/weight.ts";
import type { Adapter } from "../../src/lora/adapter.ts";
import { exportMlx } from "../../src/lora/export.ts";
import { uniformAdapter } from "../../src/lora/uniform.ts";
import type { ModelChoice } from "../../src/worker/protocol.ts";
import { modelCard } from "../../src/worker/runs/model-card.ts";
import { pushFiles } from "../../src/worker/runs/push.ts";
import type { StoredRun } from "../../src/worker/runs/run-folder.ts";
import { randomAdapter, randomFactor } from "../lora/support.ts";
import { outcomeAfter } from "../support/outcome.ts";
import { storedRun as stored } from "./support.ts";

const REQUEST = { runId: "a", repository: "me/parrot", token: "hf_x", private: true };
const judged = (verdict: "suspicious" | "collapsed" | "broken") =>
  stored(outcomeAfter(6, {}, { judged: { verdict, reason: "Because of its answers." } }));

const SHAPE = { in_features: 8, out_features: 6 };
const LORA = randomAdapter(
  ["q_proj", "v_proj"].map((name) => [`model.layers.0.self_attn.${name}`, SHAPE]),
  4,
);
const DORA: Adapter = {
  ...LORA,
  factors: LORA.factors.map((factor) => ({ ...factor, magnitude: new Float32Array(factor.out_features).fill(1) })),
};
const facts = (adapter: Adapter = LORA, element: WeightElement = "bf16") => ({ adapter, element });

/** The files of a run, as the page has them for mlx-lm. */
const filesOf = (adapter: Adapter, element: WeightElement) => ({
  ...Object.fromEntries(exportMlx(adapter).map(({ path, bytes }) => [path, bytes])),
  "run.json": new TextEncoder().encode(JSON.stringify({ model: { element } })),
});

describe("a push to the Hub", () => {
  it.each(["collapsed", "broken"] as const)("is refused for one that is %s, before any request", async (verdict) => {
    const fetch = vi.fn();
    await expect(pushFiles(REQUEST, judged(verdict), {}, { hub: "http://hub.test", fetch })).rejects.toThrow(
      /not pushed: Because of its answers/,
    );
    expect(fetch).not.toHaveBeenCalled();
  });

  it("asks the Hub for a suspicious one", async () => {
    const fetch = vi.fn(async () => new Response("no", { status: 403 }));
    const files = filesOf(LORA, "bf16");
    await expect(pushFiles(REQUEST, judged("suspicious"), files, { hub: "http://hub.test", fetch })).rejects.toThrow(
      /the Hub refused/,
    );
    expect(fetch).toHaveBeenCalled();
  });

  it("writes the card from the files themselves", async () => {
    const bodies: string[] = [];
    const fetch = vi.fn(async (input: RequestInfo | URL, init?: RequestInit) => {
      const url = String(input);
      if (url.includes("/preupload/")) {
        const { files } = JSON.parse(String(init?.body)) as { files: { path: string }[] };
        return Response.json({ files: files.map(({ path }) => ({ path, uploadMode: "regular" })) });
      }
      if (!url.includes("/commit/")) return Response.json({ url: "http://hub.test/me/parrot" });
      bodies.push(await new Response(init?.body as BodyInit).text());
      return Response.json({ commitOid: "1", commitUrl: "http://hub.test/1", hookOutput: "" });
    });
    const files = filesOf(DORA, "q4g64-bf16");
    await pushFiles(REQUEST, judged("suspicious"), files, { hub: "http://hub.test", fetch });
    const lines = bodies[0]!
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { key: string; value: { path: string; content: string } });
    const { content } = lines.find(({ value }) => value.path === "README.md")!.value;
    const card = Buffer.from(content, "base64").toString();
    expect(card).toContain("# DoRA adapter for Demo");
    expect(card).toMatch(/The base is in MLX's codes of 4 bits/);
  });
});

describe("the card", () => {
  it("says the verdict, and none for a run of an older page", () => {
    expect(modelCard(judged("suspicious"), facts())).toContain("Verdict: suspicious. Because of its answers.");
    const { judged: _, ...old } = outcomeAfter(6);
    expect(modelCard(stored(old as StoredRun["outcome"]), facts())).not.toContain("Verdict");
  });

  it("says LoRA of LoRA and DoRA of DoRA", () => {
    const [lora, dora] = [LORA, DORA].map((adapter) => modelCard(judged("suspicious"), facts(adapter))) as [
      string,
      string,
    ];
    expect(lora).toContain("# LoRA adapter for Demo");
    expect(lora).toContain("tags: [lora, lorikeet]");
    expect(lora).not.toMatch(/dora/i);
    expect(dora).toContain("# DoRA adapter for Demo");
    expect(dora).toContain("tags: [dora, lora, lorikeet]");
  });

  it("gives the ranks that layers have, not what a file fills them up to", () => {
    const line = (adapter: Adapter) => /^Trained on .*$/m.exec(modelCard(judged("suspicious"), facts(adapter)))![0];
    expect(line(LORA)).toBe("Trained on Sample with Lorikeet in a browser tab: rank 4, alpha 8, rate 0.0002.");
    const narrow = randomFactor("model.layers.0.self_attn.q_proj", SHAPE, 2, new Random(1));
    const [first, ...rest] = LORA.factors;
    expect(first!.module).toBe(narrow.module);
    const { adapter } = uniformAdapter({ ...LORA, factors: [{ ...narrow, scale: LORA.scale }, ...rest] });
    expect(adapter.factors[0]!.rank).toBe(4);
    expect(line(adapter)).toContain("ranks 2 to 4, alpha 8 at rank 4, rate");
  });

  it("says of an adapter that was opened that it was made elsewhere", () => {
    const card = modelCard({ ...judged("suspicious"), totalSteps: 0 }, facts());
    expect(card).toContain("Made elsewhere, opened and checked with Lorikeet in a browser tab: rank 4, alpha 8.");
    expect(card).not.toMatch(/Trained|rate/);
  });

  it.each<[string, ModelChoice, WeightElement, RegExp | null]>([
    ["a plain base", { kind: "hub", id: "Qwen/Qwen3-4B" }, "bf16", null],
    [
      "codes of the catalogue",
      { kind: "hub", id: "mlx-community/Qwen3-4B-4bit" },
      "q4g64-bf16",
      /codes of 4 bits in groups of 64, .* load Qwen\/Qwen3-4B, whose weights/,
    ],
    [
      "other codes",
      { kind: "hub", id: "a/b-8bit" },
      "q8g32-f16",
      /codes of 8 bits in groups of 32.* the model that was/,
    ],
    ["a folder of codes", { kind: "folder", name: "x" }, "q4g64-bf16", /PEFT or TRL, does not.* the model that was/],
    [
      "weights coded while they load",
      { kind: "hub", id: "Qwen/Qwen3-4B", quantize: 4 },
      "q4g64-bf16",
      /^It learnt on weights that were coded while they were loaded, to MLX's codes of 4 bits/m,
    ],
  ])("on %s says what that means for others", (_, model, element, words) => {
    const card = modelCard({ ...judged("suspicious"), model }, facts(LORA, element));
    if (words) expect(card).toMatch(words);
    else expect(card).not.toMatch(/codes|PEFT/);
    if (model.quantize) expect(card).not.toContain("PEFT");
    expect(card.includes("base_model:")).toBe(model.kind === "hub");
  });
});
