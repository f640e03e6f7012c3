/** What is said before the first update, one matter at a time, each beside its healthy control. */
import { beforeAll, describe, expect, it } from "vitest";
import type { Example } from "../../src/data/encode.ts";
import type { Finding } from "../../src/health/finding.ts";
import { memoryBudget } from "../../src/train/memory-budget.ts";
import type { TrainingSession, TrainRequest } from "../../src/train/session.ts";
import { configOf, example, goldenExamples, openSession, runOf } from "./support.ts";

let session: TrainingSession;
let train: Example[];
beforeAll(async () => {
  session = await openSession();
  train = await goldenExamples();
});

async function findingsOf(request: Partial<TrainRequest>): Promise<Map<string, Finding>> {
  const { events } = await runOf(session, { config: configOf({ steps: 1 }), train, ...request });
  const [first] = events;
  if (first?.type !== "preflight") throw new Error("the first event is no pre-flight");
  return new Map(first.findings.map((finding) => [finding.id, finding]));
}

describe("pre-flight", () => {
  it("is good in all it can tell of a sound run, and passes on what was found in the records", async () => {
    const own: Finding = { id: "prompts", level: "warn", title: "Trained on another prompt", evidence: "In 3 of 4." };
    const found = await findingsOf({ findings: [own], budget: memoryBudget({ chosen: 16 }) });
    const levels = Object.fromEntries([...found].map(([id, { level }]) => [id, level]));
    expect(levels).toEqual({
      ...{ adapter: "good", labels: "good", "token-ids": "good", "step-size": "good", memory: "good" },
      prompts: "warn",
    });
  });

  it("warns of a step size that failed elsewhere, and names one that works", async () => {
    const steps = async (learningRate: number) =>
      (await findingsOf({ config: configOf({ steps: 1, learningRate, alpha: 80 }) })).get("step-size")!;
    expect(await steps(0.1)).toMatchObject({ level: "bad", fix: expect.stringMatching(/^Set the learning rate to/) });
    expect((await steps(1e-4)).level).toBe("good");
  });

  it("judges the memory by what the machine has, and says only the number where nobody knows", async () => {
    const memory = async (gib?: number) => {
      const budget = gib === undefined ? undefined : { ...memoryBudget({ chosen: 8 }), bytes: gib * 2 ** 30 };
      return (await findingsOf({ budget })).get("memory")!;
    };
    expect((await memory(1)).level).toBe("good");
    expect(await memory(1e-4)).toMatchObject({ level: "warn", fix: expect.stringMatching(/smaller/) });
    expect(await memory()).toMatchObject({ level: "note", title: expect.stringMatching(/^About/) });
    const assumed = (await findingsOf({ budget: memoryBudget({}) })).get("memory")!;
    expect(assumed.level).toBe("note");
    expect(assumed.evidence).toMatch(/^Model weights .+, adapter and optimizer .+, spare buffers [^;]+\.$/);
  });

  it("tells how many blocks are computed again, as the start of the run does", async () => {
    const evidence = async (checkpointing: "on" | 1) => {
      const { events, start } = await runOf(session, { config: configOf({ steps: 1, checkpointing }), train });
      const [first] = events;
      const { findings } = first as Extract<typeof first, { type: "preflight" }>;
      return [findings.find(({ id }) => id === "memory")!.evidence, start.blocks] as const;
    };
    expect(await evidence(1)).toEqual([
      expect.stringMatching(/; recomputes 1 of 2 blocks to save memory\.$/),
      { recomputed: 1, all: 2 },
    ]);
    expect((await evidence("on"))[0]).toMatch(/; recomputes all 2 blocks to save memory\.$/);
  });

  it("refuses a run in which nothing carries loss, and ids of another vocabulary", async () => {
    const ids = train[0]!.ids;
    const silent = example(ids, new Int32Array(ids.length).fill(-100));
    await expect(findingsOf({ train: [silent, silent] })).rejects.toThrow(/labels: none of the \d+ tokens/);
    await expect(findingsOf({ train: [...train, example([3, 5, 320])] })).rejects.toThrow(/token 2 has id 320/);
  });
});
