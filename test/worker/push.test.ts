/** What goes to the Hub: never an adapter whose answers have collapsed, and a card that says the verdict. */
import { describe, expect, it, vi } from "vitest";
import { modelCard, pushFiles } from "../../src/worker/runs/push.ts";
import type { StoredRun } from "../../src/worker/runs/run-folder.ts";
import { outcomeAfter } from "../support/outcome.ts";
import { storedRun as stored } from "./support.ts";

const REQUEST = { runId: "a", repository: "me/parrot", token: "hf_x", private: true };
const judged = (verdict: "suspicious" | "collapsed" | "broken") =>
  stored(outcomeAfter(6, {}, { judged: { verdict, reason: "Because of its answers." } }));

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
    await expect(pushFiles(REQUEST, judged("suspicious"), {}, { hub: "http://hub.test", fetch })).rejects.toThrow(
      /the Hub refused/,
    );
    expect(fetch).toHaveBeenCalled();
  });

  it("has a card that says the verdict, and none for a run of an older page", () => {
    expect(modelCard(judged("suspicious"))).toContain("Verdict: suspicious. Because of its answers.");
    const { judged: _, ...old } = outcomeAfter(6);
    expect(modelCard(stored(old as StoredRun["outcome"]))).not.toContain("Verdict");
  });
});
