/** What rounds of probes tell: each change of their verdict once, in a resumed run as well. */
import { describe, expect, it, vi } from "vitest";
import type { Answer } from "../../src/health/answers.ts";
import type { HealthEvent } from "../../src/train/events.ts";
import { ProbeRounds, toldVerdict } from "../../src/train/probes.ts";
import type { TrainingSession } from "../../src/train/session.ts";

const said = vi.hoisted(() => ({ now: {} as unknown }));
vi.mock("../../src/train/answer.ts", () => ({
  wholeAnswer: async (_: unknown, __: unknown, { base = false } = {}) => (base ? SOUND : said.now),
}));

const SOUND: Answer = { ids: [5, 6, 7, 1], text: "It rains.", ended: true };
const COMMAS: Answer = { ids: Array.from({ length: 48 }, () => 9), text: ",".repeat(48), ended: false };
const session = { tokenizer: async () => ({ decode: () => "," }) } as unknown as TrainingSession;
const PROBES = ["a", "b"].map((content) => ({ messages: [{ role: "user" as const, content }] }));

async function told(rounds: ProbeRounds, step: number, answer: Answer): Promise<HealthEvent[]> {
  said.now = answer;
  const health: HealthEvent[] = [];
  for await (const event of rounds.at(step, null)) if (event.type === "health") health.push(event);
  return health;
}

const begun = (health: readonly HealthEvent[] = []) =>
  new ProbeRounds(session, PROBES, null, new Map(), toldVerdict(health));

describe("rounds of probes", () => {
  it("tell a verdict when it changes, and not again", async () => {
    const rounds = begun();
    expect(await told(rounds, 5, SOUND)).toEqual([]);
    expect(await told(rounds, 10, COMMAS)).toMatchObject([{ step: 10, kind: "answers", level: "bad" }]);
    expect(await told(rounds, 15, COMMAS)).toEqual([]);
    expect(await told(rounds, 20, SOUND)).toMatchObject([{ level: "good" }]);
  });

  it("go on with what a resumed run had told", async () => {
    const before = await told(begun(), 10, COMMAS);
    expect(await told(begun(before), 15, COMMAS)).toEqual([]);
    expect(await told(begun(before), 15, SOUND)).toMatchObject([
      { level: "good", text: expect.stringMatching(/again/) },
    ]);
    expect(await told(begun(), 15, COMMAS)).toMatchObject([{ level: "bad" }]);
  });

  it("go by the newest word on the answers, whatever was said of the base or of the loss", () => {
    const word = (step: number, kind: HealthEvent["kind"], level: HealthEvent["level"]): HealthEvent => ({
      ...{ type: "health", step, kind, level, text: "" },
    });
    expect(toldVerdict([])).toBe("healthy");
    expect(toldVerdict([word(0, "answers", "note")])).toBe("healthy");
    const answers = [word(5, "answers", "bad"), word(9, "answers", "warn")];
    expect(toldVerdict([...answers, word(9, "spike", "bad")])).toBe("suspicious");
  });
});
