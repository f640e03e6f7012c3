/** Answers and probes on the demo model, which speaks. */

import { stat } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { fileSource, folderSource } from "../../src/cli/node/folder.ts";
import { demoFolder } from "../../src/cli/node/package.ts";
import { readDataset } from "../../src/data/dataset.ts";
import { answer, wholeAnswer } from "../../src/train/answer.ts";
import { resolveConfig } from "../../src/train/config.ts";
import type { ProbeEvent, TrainEvent } from "../../src/train/events.ts";
import { probeKey, probesFor, probesOf } from "../../src/train/probes.ts";
import type { TrainingSession } from "../../src/train/session.ts";
import { openSession } from "./support.ts";

const ask = (content: string) => [{ role: "user", content }] as const;
const COW = ask("What noise does a cow make?");

describe("answers", () => {
  let session: TrainingSession;
  beforeAll(async () => {
    session = await openSession(folderSource(demoFolder()));
  });

  it("come in pieces that are the whole, and say whether the model ended them", async () => {
    const whole = await wholeAnswer(session, COW);
    expect(whole).toMatchObject({ text: "The cow says moo.", ended: true });
    expect(whole.ids.length).toBeGreaterThan(4);
    const pieces: string[] = [];
    for await (const piece of answer(session, COW)) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.join("").trim()).toBe(whole.text);
    const cut = await wholeAnswer(session, COW, { maxTokens: 2 });
    expect(cut.ended).toBe(false);
    expect(whole.text.startsWith(cut.text)).toBe(true);
  });

  it("are asked every so many updates, the base first, and say which update they are of", async () => {
    const file = `${demoFolder()}/train.jsonl`;
    const { train } = await readDataset({ train: fileSource(file, (await stat(file)).size) });
    const config = resolveConfig({ steps: 5, stepsPerSample: 2, learningRate: 2e-2, warmup: 0, batchSize: 4 }, "test");
    const { examples } = await session.encode(train, config);
    const probes = [{ messages: COW }, { messages: ask("What is rain?") }];
    const baseAnswers = new Map([[probeKey({ messages: COW }), { text: "known", ids: [5, 6, 7], ended: true }]]);
    const base = await wholeAnswer(session, probes[1]!.messages);
    const order: string[] = [];
    const asked: ProbeEvent[] = [];
    for await (const event of session.train({ config, train: examples, valid: [], probes, baseAnswers })) {
      order.push(nameOf(event));
      if (event.type === "probe") asked.push(event);
    }
    expect(order).toEqual([
      ...["preflight", "start", "probe 0.0", "probe 0.1", "step 1", "step 2", "probe 2.0", "probe 2.1"],
      ...["step 3", "step 4", "probe 4.0", "probe 4.1", "step 5", "save", "probe 5.0", "probe 5.1", "done"],
    ]);
    expect(asked[0]).toMatchObject({ text: "known", ended: true });
    expect(asked[1]).toMatchObject({ text: base.text, ended: base.ended });
    expect([...baseAnswers.keys()]).toEqual(probes.map(probeKey));
    // At this rate five updates are enough to be heard; without the adapter the model answers as before.
    expect(asked.at(-1)!.text).not.toBe(base.text);
    expect(await wholeAnswer(session, probes[1]!.messages)).toMatchObject({ text: asked.at(-1)!.text });
    expect(await wholeAnswer(session, probes[1]!.messages, { base: true })).toEqual(base);
    expect(await wholeAnswer(session, probes[1]!.messages)).toMatchObject({ text: asked.at(-1)!.text });
  });

  it("of base and adapter can be made side by side", async () => {
    const question = ask("What is rain?");
    const [base, tuned] = [answer(session, question, { base: true }), answer(session, question)];
    const said = ["", ""];
    for (const [i, pieces] of [base, tuned].entries()) said[i] += String((await pieces.next()).value ?? "");
    for (const [i, pieces] of [base, tuned].entries()) for await (const piece of pieces) said[i] += piece;
    expect(said[0]!.trim()).toBe((await wholeAnswer(session, question, { base: true, maxTokens: 128 })).text);
    expect(said[1]!.trim()).toBe((await wholeAnswer(session, question, { maxTokens: 128 })).text);
    expect(said[0]).not.toBe(said[1]);
  });
});

const nameOf = (event: TrainEvent) =>
  event.type === "probe"
    ? `probe ${event.step}.${event.index}`
    : event.type === "step"
      ? `step ${event.step}`
      : event.type;

describe("probesOf", () => {
  const at = { line: 1, form: "messages" } as const;
  const chat = (...turns: [role: "system" | "user" | "assistant" | "tool", content: string | null][]) => ({
    ...at,
    kind: "conversation" as const,
    train: turns.map(() => true),
    messages: turns.map(([role, content]) => ({ role, content })),
  });

  it("takes the first questions that differ, with the system prompt, and the answer beside them", () => {
    const records = [
      chat(["system", "Be brief."], ["user", "a"], ["assistant", "b"], ["user", "c"], ["assistant", "d"]),
      chat(["system", "Be brief."], ["user", "a"], ["assistant", "other"]),
      { ...at, kind: "completion", prompt: "p", completion: "q" } as const,
      chat(["user", "z"], ["assistant", "y"]),
    ];
    expect(probesOf(records, 2)).toEqual([
      {
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: "a" },
        ],
        reference: "b",
      },
      { messages: [{ role: "user", content: "p" }], reference: "q" },
    ]);
  });

  it("are found again by their questions, as a person typed them", () => {
    const records = [
      { ...at, kind: "completion", prompt: "p ", completion: "q" } as const,
      chat(["system", "Be brief."], ["user", "a"], ["assistant", "b"]),
      chat(["user", "a"], ["assistant", "later"]),
    ];
    expect(probesFor(["a", "never seen", "p"], records)).toEqual([
      probesOf(records, 2)[1],
      { messages: [{ role: "user", content: "never seen" }] },
      { messages: [{ role: "user", content: "p " }], reference: "q" },
    ]);
  });

  it("asks the beginning of a longer plain text, to be gone on from", () => {
    const words = Array.from({ length: 40 }, (_, i) => `w${i}`);
    const text = { ...at, kind: "text", text: words.join(" ") } as const;
    const beginning = words.slice(0, 12).join(" ");
    expect(probesOf([text], 5)).toEqual([
      { messages: [{ role: "user", content: beginning }], reference: words.slice(12).join(" ") },
    ]);
  });

  it("leaves out what cannot be asked: short plain text, tools, answers without a question", () => {
    const text = { ...at, kind: "text", text: "once" } as const;
    const records = [
      text,
      chat(["assistant", "hi"], ["user", "x"]),
      chat(["user", "a"], ["tool", "t"], ["assistant", "b"]),
    ];
    expect(probesOf(records, 5)).toEqual([]);
  });
});
