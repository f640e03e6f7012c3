/** The watch over a run's course, case by case; how often and how late it alarms is measured in trend-rates.test.ts. */
import { describe, expect, it } from "vitest";
import type { JsonValue } from "../../src/core/json.ts";
import { Random } from "../../src/core/random.ts";
import { type Alarm, TrendWatch, type UpdateFacts } from "../../src/health/trend.ts";
import { firstAlarm } from "./simulated-curves.ts";

const updatesOf = (losses: readonly number[], gradNorm = 1): UpdateFacts[] =>
  losses.map((loss, i) => ({ step: i + 1, loss, gradNorm, finite: true }));
/** `count` losses around `level`. */
const around = (level: number, count: number, seed = 1, scatter = 0.05): number[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => level * Math.exp(scatter * random.normal()));
};

/** Every alarm of a run of such losses. */
function alarmsOf(updates: readonly UpdateFacts[]): Alarm[] {
  const watch = new TrendWatch();
  return updates.map((update) => watch.add(update)).filter((alarm) => alarm !== null);
}

describe("what it must not mind", () => {
  it.each<[string, number[], number[]]>([
    ["one hard batch", [...around(1, 30), 9, ...around(1, 10, 2)], [...around(1, 30), ...around(9, 11, 2)]],
    [
      "three hard batches in a row",
      [...around(1, 30), 4, 5, 4, ...around(1, 10, 2)],
      [...around(1, 30), ...around(4, 8, 2)],
    ],
    ["tiny losses", [...around(0.01, 30), ...around(0.03, 20, 2)], [...around(0.3, 30), ...around(0.9, 20, 2)]],
    ["random weights", around(Math.log(32000), 60), [...around(Math.log(32000), 30), ...around(20, 20, 2)]],
    [
      "a hard batch after an epoch's drop",
      [...around(2, 20), ...around(1.2, 10, 2), 2.1, ...around(1.2, 9, 3)],
      [...around(2, 20), ...around(1.2, 10, 2), ...around(2.6, 10, 3)],
    ],
    [
      "a smaller rise than counts",
      [...around(1, 30, 1, 0.01), ...around(1.14, 30, 2, 0.01)],
      [...around(1, 30, 1, 0.01), ...around(1.6, 30, 2, 0.01)],
    ],
  ])("%s", (_, harmless, harmful) => {
    expect(alarmsOf(updatesOf(harmless))).toEqual([]);
    expect(alarmsOf(updatesOf(harmful))).toHaveLength(1);
  });

  it("a loss on its way back, even when gradients jumped", () => {
    const returning = (losses: readonly number[]) =>
      updatesOf([...around(1, 30, 1, 0.02), ...losses]).map((one) =>
        [31, 32].includes(one.step) ? { ...one, gradNorm: 90 } : one,
      );
    expect(alarmsOf(returning([6, 6, 1.15, 1.13, 1.12, 1.11, 1.1, 1]))).toEqual([]);
    expect(alarmsOf(returning([6, 6, 5, 5, 4, 4, 4, 4]))).toHaveLength(1);
  });

  it("a loss that falls fast", () => {
    expect(alarmsOf(updatesOf(around(1, 60).map((factor, i) => factor * (0.2 + 2 * Math.exp(-i / 5)))))).toEqual([]);
  });
});

describe("an alarm", () => {
  const bad = [...around(1, 30), ...around(3, 20, 2)];

  it("names the first wrong update, and a jump by its size", () => {
    const alarm = firstAlarm(updatesOf(bad))!;
    expect(alarm).toMatchObject({ kind: "spike", onset: 31, step: 35 });
    expect(alarm.text).toMatch(/^the loss jumped from 1\.0\d to [23]\.\d\d over 5 updates from update 31 on$/);
  });

  it("calls what grows a rise, slow or fast", () => {
    const rising = (updates: number, scatter: number) => [
      ...around(1, 30, 1, scatter),
      ...around(1, 60, 2, scatter).map((loss, i) => loss * 2 ** (i / updates)),
    ];
    expect(firstAlarm(updatesOf(rising(4, 0.05)))).toMatchObject({ kind: "rise" });
    const slow = firstAlarm(updatesOf(rising(30, 0.25)))!;
    expect(slow).toMatchObject({ kind: "rise", text: expect.stringContaining("each the middle of 12 updates") });
    expect(slow.onset).toBeGreaterThan(10);
  });

  it("says what the gradients did", () => {
    const updates = updatesOf(bad).map((one) =>
      one.step > 30 ? { ...one, gradNorm: one.step < 34 ? 40 : 0.02 } : one,
    );
    expect(firstAlarm(updates)).toMatchObject({
      step: 34,
      text: expect.stringContaining("gradients far above the usual"),
    });
    const gone = updatesOf(bad).map((one) => (one.step > 30 ? { ...one, gradNorm: 0.02 } : one));
    expect(firstAlarm(gone)!.text).toContain("hardly any gradient is left");
  });

  it("is told once, whichever it is", () => {
    const early = around(2, 40, 1, 0.01).map((loss, i) => loss * 1.05 ** Math.min(i, 12));
    expect(alarmsOf(updatesOf(early))).toMatchObject([{ text: expect.stringContaining("nearly every time") }]);
    const slow = around(1, 200, 2, 0.25).map((loss, i) => loss * 2 ** (Math.max(0, Math.min(i, 100) - 30) / 30));
    expect(alarmsOf(updatesOf(slow))).toHaveLength(1);
  });

  it("is told once, and again after the loss was back", () => {
    const updates = updatesOf([...bad, ...around(1, 20, 3), ...around(3, 10, 4)]);
    expect(alarmsOf(updates).map(({ onset }) => onset)).toEqual([31, 71]);
  });

  it("comes again after a rollback that did not help, since the level is remembered", () => {
    const watch = new TrendWatch();
    const updates = updatesOf(bad);
    expect(firstAlarm(updates, watch)).not.toBeNull();
    expect(watch.calm).toBe(false);
    watch.afterRollback(28, 31);
    expect(watch.calm).toBe(true);
    const again = firstAlarm(updatesOf(around(3, 20, 6)), watch)!;
    expect(again.onset).toBe(1);
    expect(again.step).toBeLessThanOrEqual(10);
  });

  it("of a loss that fell fast comes again as soon: what was high before it is no level to compare with", () => {
    // Recorded: a fall by heart, steps far too large from update 20 on, the same once more after a rollback to update 16.
    const fall = [7.5, 7.8, 7.6, 7.8, 5.3, 5.6, 5.8, 5.7, 3.7, 3.8, 4.1, 3.6, 2.25, 2.4, 2.7, 2.2, 1.2, 1.3, 1.65, 1.2];
    const high = [8.6, 7.3, 7.6, 7.2, 8.6, 7.1, 6.6, 6.3];
    const again = [2, 8.1, 8.3, 7.2, 8.2, 8.3, 7.4, 7, 7.1, 7.4, 6.7, 6.9];
    const at = (from: number, losses: readonly number[]): UpdateFacts[] =>
      losses.map((loss, i) => ({ step: from + i, loss, gradNorm: 5, finite: true }));
    const watch = new TrendWatch();
    const first = firstAlarm(at(1, [...fall, ...high]), watch)!;
    expect([first.onset, first.step]).toEqual([21, 28]);
    watch.afterRollback(16, first.onset);
    const second = firstAlarm(at(31, again), watch)!;
    expect(second.onset).toBe(32);
    expect(second.step).toBeLessThanOrEqual(39);
  });

  it("needs three updates in a row that are not finite", () => {
    const lost = (steps: readonly number[]) =>
      updatesOf(around(1, 20)).map((one) =>
        steps.includes(one.step) ? { ...one, loss: Number.NaN, finite: false } : one,
      );
    expect(alarmsOf(lost([3, 4, 7, 8, 10]))).toEqual([]);
    expect(alarmsOf(lost([3, 4, 7, 8, 9, 10]))).toMatchObject([{ kind: "non-finite", onset: 7, step: 9 }]);
    expect(alarmsOf(lost([1, 2, 3, 4, 5]))).toMatchObject([{ kind: "non-finite", onset: 1, step: 3 }]);
  });
});

describe("calm", () => {
  it("ends with the first suspicious update and comes back with the loss", () => {
    const watch = new TrendWatch();
    const calm = updatesOf([...around(1, 20), 3, 3, ...around(1, 8, 2)]).map((update) => {
      watch.add(update);
      return watch.calm;
    });
    expect(calm.slice(0, 20)).not.toContain(false);
    expect(calm.slice(20, 22)).toEqual([false, false]);
    expect(calm.at(-1)).toBe(true);
  });

  it("does not come back by itself after an alarm, however long the loss stays up", () => {
    const watch = new TrendWatch();
    for (const update of updatesOf([...around(1, 30), ...around(3, 200, 2)])) watch.add(update);
    expect(watch.calm).toBe(false);
  });
});

describe("state", () => {
  const updates = updatesOf([...around(1, 30), ...around(3, 4, 2), ...around(1, 10, 3), ...around(5, 12, 4)]);
  updates[17] = { ...updates[17]!, loss: Number.POSITIVE_INFINITY, finite: false };
  const told = (watch: TrendWatch, from: number) =>
    updates.slice(from).map((update) => ({ alarm: watch.add(update), calm: watch.calm, state: watch.state() }));

  it("restored at any update goes on the same", () => {
    const whole = told(new TrendWatch(), 0);
    expect(whole.filter(({ alarm }) => alarm)).toHaveLength(1);
    const watch = new TrendWatch();
    for (const [i, update] of updates.entries()) {
      const restored = TrendWatch.restore(JSON.parse(JSON.stringify(watch.state())));
      expect(told(restored, i)).toEqual(whole.slice(i));
      watch.add(update);
    }
  });

  it("stays small, however long the run", () => {
    const watch = new TrendWatch();
    for (const update of updatesOf([...around(1, 500), ...around(4, 500, 2)])) watch.add(update);
    expect(JSON.stringify(watch.state()).length).toBeLessThan(8000);
  });

  it.each<[string, (state: Record<string, JsonValue>) => JsonValue, RegExp]>([
    ["no object", () => [], /good: expected a list of finite numbers, got nothing/],
    ["a pair", (state) => ({ ...state, good: [[1, 2]] }), /good: expected/],
    ["a word", (state) => ({ ...state, score: "high" }), /score: expected a finite number, got "high"/],
    ["no stretch", (state) => ({ ...state, best: 3 }), /best: expected null or a stretch, got 3/],
  ])("refuses %s", (_, broken, message) => {
    const state = new TrendWatch().state() as Record<string, JsonValue>;
    expect(() => TrendWatch.restore(state)).not.toThrow();
    expect(() => TrendWatch.restore(broken(state))).toThrow(message);
  });
});
