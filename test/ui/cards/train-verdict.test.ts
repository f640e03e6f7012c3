/** The verdict says what the curves hold, and nothing else. */
import { describe, expect, it } from "vitest";
import { lossSummary, rangeSummary } from "../../../src/ui/cards/train/curve-text.ts";
import { judge, trendOf } from "../../../src/ui/cards/train/verdict.ts";
import { createCurves } from "../../../src/ui/state/curves.ts";
import type { RunEvent } from "../../../src/worker/protocol.ts";

/** −1 to 1, the same for the same number. */
const noise = (i: number) => Math.sin(i * 12.9898) * Math.cos(i * 78.233);

interface Shape {
  readonly loss: (step: number) => number;
  readonly norm?: (step: number) => number;
  readonly finite?: (step: number) => boolean;
  readonly valid?: readonly (readonly [step: number, loss: number])[];
}

function curvesOf(count: number, { loss, norm = () => 1, finite = () => true, valid = [] }: Shape) {
  const events: RunEvent[] = valid.map(([step, value]) => ({
    ...{ type: "validation", step, loss: value, tokens: 1, best: false },
  }));
  for (let step = 1; step <= count; step++) {
    events.push({
      ...{ type: "step", step, epoch: 0, loss: loss(step), gradNorm: norm(step), finite: finite(step) },
      ...{ learningRate: 1e-3, tokens: 100, supervisedTokens: 50, seconds: 1 },
    });
  }
  const curves = createCurves();
  curves.add(events);
  return curves;
}
const said = (count: number, shape: Shape, ended = false) => judge(curvesOf(count, shape).points, ended);
const falling = (step: number) => 2.31 * Math.exp(-step / 60);

describe("the trend", () => {
  const trend = (count: number, loss: (step: number) => number) =>
    trendOf(curvesOf(count, { loss }).points("loss")).kind;

  it("is not told early", () => {
    expect(trend(5, falling)).toBe("early");
    expect(trend(6, falling)).toBe("falling");
  });

  it("sees through noise", () => {
    expect(trend(40, (i) => falling(i) + 0.1 * noise(i))).toBe("falling");
    expect(trend(40, (i) => 1.5 + 0.1 * noise(i))).toBe("flat");
    expect(trend(40, (i) => 1.5 + i / 60 + 0.1 * noise(i))).toBe("rising");
  });

  it("takes scatter for none, however large", () => {
    expect(trend(20, (i) => 1.5 + 1.4 * noise(i))).toBe("flat");
    expect(trend(400, (i) => 1.5 + 0.02 * noise(i) - i * 1e-5)).toBe("flat");
  });
});

describe("the verdict", () => {
  it("begins with where the loss came from and is", () => {
    const verdict = said(40, { loss: falling });
    expect(verdict.tone).toBe("good");
    expect(verdict.text).toMatch(/^Loss 2\.27 → 1\.2\d, falling; gradients steady$/);
    expect(said(40, { loss: falling }, true).text).toContain("still falling at the end");
  });

  it("calls flat and rising by their names", () => {
    expect(said(40, { loss: () => 2 })).toEqual({
      tone: "neutral",
      text: "Loss 2.00 → 2.00, level over the last 20 updates; gradients steady",
    });
    const rising = said(40, { loss: (i) => 1 + i / 20 });
    expect([rising.tone, /rising over the last 20 updates/.test(rising.text)]).toEqual(["warn", true]);
  });

  it("waits for enough", () => {
    expect(said(0, { loss: falling }).text).toBe("No update yet.");
    expect(said(0, { loss: falling }, true).text).toBe("No update was made.");
    expect(said(3, { loss: falling })).toEqual({ tone: "neutral", text: "Loss 2.23 so far: too early for a trend" });
  });

  it("tells skipped updates, the newest loudest", () => {
    const now = said(20, { loss: falling, finite: (i) => i !== 20 });
    expect(now.tone).toBe("bad");
    expect(now.text).toContain("Update 20 was skipped");
    const past = said(20, { loss: falling, finite: (i) => i !== 10 });
    expect([past.tone, /1 skipped because/.test(past.text)]).toEqual(["warn", true]);
    expect(said(1, { loss: falling, finite: () => false }).tone).toBe("bad");
  });

  it("tells a jump of the gradients and a validation loss that turned", () => {
    const jump = said(40, { loss: falling, norm: (i) => (i === 38 ? 9 : 1) });
    expect([jump.tone, /gradient norm up to 9\.00 just now, usually about 1\.00/.test(jump.text)]).toEqual([
      "warn",
      true,
    ]);
    const turned: [number, number][] = [
      ...([
        [0, 2],
        [16, 1.5],
        [32, 1.7],
      ] as [number, number][]),
    ];
    expect(said(40, { loss: falling, valid: turned }).text).toContain("validation loss up again since update 16");
    expect(said(40, { loss: falling, valid: turned.slice(0, 2) }).text).toContain("validation 2.00 → 1.50");
    // Within the scatter of a small validation set, it has not turned.
    expect(said(40, { loss: falling, valid: [...turned.slice(0, 2), [32, 1.51]] }).tone).toBe("good");
  });
});

describe("curves in words", () => {
  it("sums up the losses", () => {
    const { points } = curvesOf(20, {
      loss: () => 2,
      valid: [
        [0, 2.5],
        [20, 1.25],
      ],
    });
    expect(lossSummary(points)).toBe(
      "Training loss from 2.00 to 2.00 over 20 updates. Validation loss from 2.50 before training to 1.25 after update 20.",
    );
    expect(lossSummary(curvesOf(0, { loss: falling }).points)).toBe("No update yet.");
    expect(lossSummary(curvesOf(1, { loss: () => 3 }).points)).toBe("Training loss 3.00 at the first update.");
  });

  it("sums up a range", () => {
    const { points } = curvesOf(3, { loss: falling, norm: (i) => i });
    expect(rangeSummary(points("gradNorm"), String)).toBe("Now 3, between 1 and 3 so far.");
    expect(rangeSummary(points("validationLoss"), String)).toBe("Nothing measured yet.");
  });
});
