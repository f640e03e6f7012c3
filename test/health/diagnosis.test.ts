/** Every outcome from the facts that lead to it and from no others, and which one wins where several apply. */
import { describe, expect, it } from "vitest";
import type { AnswerHealth } from "../../src/health/answers.ts";
import { type DiagnosisFacts, diagnose, type LayerFacts, OUTCOMES } from "../../src/health/diagnosis.ts";

const layer = (module: string, changes: Partial<LayerFacts> = {}): LayerFacts => ({
  ...{ module, inForward: true, movedA: true, movedB: true, gradient: 0.5, finite: true },
  ...changes,
});
const answers = (verdict: AnswerHealth["verdict"]): AnswerHealth => ({
  verdict,
  symptoms: verdict === "healthy" ? [] : [{ kind: "single-token run", level: verdict, text: '"," 48 of 48 tokens' }],
  notes: [],
});

const GOOD: DiagnosisFacts = {
  attachProblem: null,
  planned: ["layers.0.q_proj", "layers.0.v_proj"],
  layers: [layer("layers.0.q_proj"), layer("layers.0.v_proj")],
  baseChanged: [],
  training: { updates: 10, skipped: 0, applied: 10, moments: { m: 90, v: 100, of: 100 } },
  loss: { before: 2, after: 1.5 },
  answers: answers("healthy"),
  logitsChange: 0.1,
  fileProblem: null,
};
const [FIRST, SECOND] = [GOOD.layers[0]!, GOOD.layers[1]!];

const FAULTS: readonly [string, Partial<DiagnosisFacts>, (typeof OUTCOMES)[number], RegExp][] = [
  [
    "nothing could be attached",
    { attachProblem: "x_proj matches nothing", layers: [] },
    "LoRA parameters missing",
    /^x_proj/,
  ],
  ["no layer has factors", { layers: [] }, "LoRA parameters missing", /no LoRA parameter was found/],
  ["a planned layer has none", { layers: [FIRST] }, "LoRA parameters missing", /^1 of 2 planned .*layers\.0\.v_proj$/],
  [
    "a base tensor changed",
    { baseChanged: ["a", "b", "c", "d", "e", "f", "g", "h"] },
    "base weights were changed",
    /^8 tensors .*a, b, c, d, e, f and 2 more/,
  ],
  [
    "a B did not move, with a gradient",
    { layers: [FIRST, { ...SECOND, movedB: false }] },
    "parameters did not change",
    /^1 of 2 layers: B did not move though it has a gradient, the optimizer did not write: layers\.0\.v_proj/,
  ],
  [
    "a B did not move, without a gradient",
    { layers: [FIRST, { ...SECOND, movedB: false, gradient: 0 }] },
    "parameters did not change",
    /no gradient reached it: layers\.0\.v_proj/,
  ],
  [
    "a B did not move because the forward ignores it",
    { layers: [FIRST, { ...SECOND, movedB: false, gradient: 0, inForward: false }] },
    "parameters did not change",
    /forward does not use it: layers\.0\.v_proj/,
  ],
  [
    "an A did not move",
    { layers: [{ ...FIRST, movedA: false }, SECOND] },
    "parameters did not change",
    /A has no gradient, or did not move: layers\.0\.q/,
  ],
  [
    "no update was finite",
    {
      training: { ...GOOD.training!, skipped: 10, applied: 0 },
      layers: [layer("layers.0.q_proj", { movedB: false }), SECOND],
    },
    "parameters did not change",
    /^none of the 10 updates was applied: not finite/,
  ],
  [
    "the B of an adapter that was brought is zero",
    { training: null, layers: [FIRST, { ...SECOND, movedB: false, gradient: null }] },
    "parameters did not change",
    /B is zero, so they change nothing: layers\.0\.v_proj/,
  ],
  [
    "answers collapsed",
    { answers: answers("collapsed") },
    "parameters changed but answers are bad",
    /^answers: single-token run: "," 48/,
  ],
  [
    "the loss rose",
    { loss: { before: 2, after: 2.6 } },
    "parameters changed but answers are bad",
    /loss is 2\.600 .* 2\.000 without/,
  ],
  [
    "the loss is no number",
    { loss: { before: 2, after: Number.NaN } },
    "parameters changed but answers are bad",
    /loss is NaN/,
  ],
  [
    "a layer is not finite",
    { layers: [{ ...FIRST, finite: false }, SECOND] },
    "parameters changed but answers are bad",
    /^1 of 2 layers are not finite: layers\.0\.q_proj/,
  ],
  ["no logit changed", { logitsChange: 0 }, "the adapter does not hold", /not change a single logit/],
  [
    "the file differs",
    { fileProblem: "relative difference 0.1" },
    "the adapter does not hold",
    /^the written file does not give its logits: relative difference 0\.1/,
  ],
  [
    "a layer is out of use",
    { layers: [{ ...FIRST, inForward: false }, SECOND] },
    "the adapter does not hold",
    /does not use layers\.0\.q/,
  ],
  [
    "moments are zero",
    { training: { ...GOOD.training!, moments: { m: 0, v: 0, of: 100 } } },
    "the adapter does not hold",
    /moments are all zero/,
  ],
];

it("what has no fault is healthy, trained here or brought", () => {
  const trained = diagnose(GOOD);
  expect(trained).toMatchObject({ outcome: "healthy", advice: expect.stringContaining("Nothing to mend") });
  expect(trained.reasons).toEqual([
    "A and B moved in all 2 layers, and no tensor of the base changed",
    "the loss went from 2.000 to 1.500",
  ]);
  expect(diagnose({ ...GOOD, training: null }).outcome).toBe("healthy");
  expect(diagnose({ ...GOOD, answers: null, loss: null, logitsChange: null }).outcome).toBe("healthy");
});

it.each([
  ["suspicious answers", { answers: answers("suspicious") }],
  ["a loss a little higher", { loss: { before: 2, after: 2.4 } }],
  [
    "an A that cannot have moved after one update",
    { training: { ...GOOD.training!, updates: 1, applied: 1 }, layers: [{ ...FIRST, movedA: false }, SECOND] },
  ],
  ["some updates skipped", { training: { ...GOOD.training!, skipped: 3, applied: 7 } }],
] satisfies [string, Partial<DiagnosisFacts>][])("%s: still healthy", (_, changes) => {
  expect(diagnose({ ...GOOD, ...changes }).outcome).toBe("healthy");
});

it("suspicious answers bear out a loss that rose", () => {
  const found = diagnose({ ...GOOD, loss: { before: 2, after: 6 }, answers: answers("suspicious") });
  expect(found.reasons.map((reason) => reason.slice(0, 12))).toEqual(["the loss is ", "answers: sin"]);
});

it("suspicious answers are named in a healthy verdict", () => {
  expect(diagnose({ ...GOOD, answers: answers("suspicious") }).reasons.at(-1)).toMatch(
    /look at them: single-token run/,
  );
});

describe("one fault", () => {
  it.each(FAULTS)("%s", (_, changes, outcome, reason) => {
    const found = diagnose({ ...GOOD, ...changes });
    expect(found.outcome).toBe(outcome);
    expect(found.reasons[0]).toMatch(reason);
  });

  it("each outcome is reached", () => {
    expect(new Set(["healthy", ...FAULTS.map(([, , outcome]) => outcome)])).toEqual(new Set(OUTCOMES));
  });
});

describe("of several faults the outcome is the first in rank, and the others are reasons after it", () => {
  const one: Readonly<Record<string, Partial<DiagnosisFacts>>> = {
    "LoRA parameters missing": { planned: [...GOOD.planned, "layers.1.q_proj"] },
    "base weights were changed": { baseChanged: ["model.norm.weight"] },
    "parameters did not change": { layers: [FIRST, { ...SECOND, movedB: false }] },
    "parameters changed but answers are bad": { answers: answers("collapsed") },
    "the adapter does not hold": { fileProblem: "cut off" },
  };
  const pairs = OUTCOMES.slice(0, -1).flatMap((high, i) =>
    OUTCOMES.slice(i + 1, -1).map((low) => [high, low] as const),
  );
  it.each(pairs)("%s before %s", (high, low) => {
    const found = diagnose({ ...GOOD, ...one[low], ...one[high] });
    expect(found.outcome).toBe(high);
    expect(found.reasons.length).toBe(2);
    expect(found.reasons[0]).toBe(diagnose({ ...GOOD, ...one[high] }).reasons[0]);
    expect(found.reasons[1]).toBe(diagnose({ ...GOOD, ...one[low] }).reasons[0]);
  });
});
