import { describe, expect, it } from "vitest";
import { createPace, createProgress, type ProgressUpdate } from "../../src/cli/progress.ts";

function update(step: number, totalSteps = 100): ProgressUpdate {
  return { step, totalSteps, loss: 2 / step, learningRate: 2e-4, tokens: 1000, seconds: 0.5 };
}

function recorder(isTTY: boolean, columns = 100) {
  const writes: string[] = [];
  let clock = 0;
  return {
    writes,
    output: { isTTY, columns, write: (text: string) => writes.push(text) },
    now: () => clock,
    pass: (seconds: number) => {
      clock += 1000 * seconds;
    },
  };
}

/** What a terminal shows of the last line after these writes. */
function screen(writes: readonly string[]): string[] {
  const lines = [""];
  for (const char of writes.join("").replaceAll("\x1b[K", "\x00")) {
    if (char === "\n") lines.push("");
    else if (char === "\r") lines[lines.length - 1] = `\r${lines.at(-1)!.replace("\r", "")}`;
    else if (char === "\x00") lines[lines.length - 1] = lines.at(-1)!.startsWith("\r") ? "" : lines.at(-1)!;
    else lines[lines.length - 1] = `${lines.at(-1)!.startsWith("\r") ? "" : lines.at(-1)}${char}`;
  }
  return lines;
}

describe("on a terminal", () => {
  it("rewrites one line that never reaches the last column", () => {
    const { writes, output, now, pass } = recorder(true, 40);
    const progress = createProgress(output, { now });
    for (let step = 1; step <= 100; step++) {
      progress.update(update(step));
      pass(1);
    }
    expect(writes.length).toBe(100);
    expect(writes.every((text) => text.startsWith("\r") && !text.includes("\n"))).toBe(true);
    for (const line of screen(writes)) expect(line.length).toBeLessThan(40);
    progress.done();
    expect(writes.at(-1)).toBe("\n");
  });

  it("shows step, loss, rate, speed, and a bar", () => {
    const { writes, output, now } = recorder(true);
    createProgress(output, { now }).update(update(50));
    expect(screen(writes)[0]).toBe(
      "━━━━━━━━━━──────────  step 50/100  loss 0.040  lr 2e-4  2,000 tok/s".replace("  step", " step"),
    );
  });

  it("draws at most every 50 ms, but always the last state", () => {
    const { writes, output, now, pass } = recorder(true);
    const progress = createProgress(output, { now });
    for (let step = 1; step <= 90; step++) {
      progress.update(update(step));
      pass(0.01);
    }
    expect(writes.length).toBe(18);
    progress.done();
    expect(screen(writes)[0]).toContain("step 90/100");
  });

  it("puts a message on a line of its own and goes on below it", () => {
    const { writes, output, now } = recorder(true);
    const progress = createProgress(output, { now });
    progress.log("before");
    progress.update(update(1));
    progress.log("saved");
    const lines = screen(writes);
    expect(lines.slice(0, 2)).toEqual(["before", "saved"]);
    expect(lines[2]).toContain("step 1/100");
  });

  it("leaves nothing behind when nothing happened", () => {
    const { writes, output } = recorder(true);
    createProgress(output).done();
    expect(writes).toEqual([]);
  });

  it("shows a loss that is not a number as it is", () => {
    const { writes, output, now } = recorder(true);
    createProgress(output, { now }).update({ ...update(3), loss: Number.NaN });
    expect(writes[0]).toContain("loss NaN");
  });
});

describe("in a pipe", () => {
  it("prints plain lines: the first, one every ten seconds, the last", () => {
    const { writes, output, now, pass } = recorder(false);
    const progress = createProgress(output, { now });
    for (let step = 1; step <= 100; step++) {
      progress.update(update(step));
      progress.log(`event ${step}`);
      pass(0.5);
    }
    progress.done();
    const lines = writes.filter((text) => text.startsWith("step"));
    expect(lines.map((text) => /^step (\d+)/.exec(text)![1])).toEqual(["1", "21", "41", "61", "81", "100"]);
    for (const control of ["\r", "\u001b"]) expect(writes.join("")).not.toContain(control);
    expect(writes.every((text) => text.endsWith("\n"))).toBe(true);
  });

  it("prints the state where a run was stopped", () => {
    const { writes, output, now, pass } = recorder(false);
    const progress = createProgress(output, { now });
    progress.update(update(1));
    pass(1);
    progress.update(update(2));
    progress.done();
    expect(writes.length).toBe(2);
    expect(writes[1]).toContain("step 2/100");
  });
});

describe("time left", () => {
  const paced = (seconds: readonly number[]) => {
    const pace = createPace();
    let at = 0;
    for (const duration of seconds) {
      at += 1000 * duration;
      pace.add({ tokens: 100, seconds: duration }, at);
    }
    return pace;
  };
  const steady = (count: number, seconds: number) => Array.from({ length: count }, () => seconds);

  it("is unknown at first", () => {
    expect(paced([]).secondsLeft(10)).toBeUndefined();
    expect(paced(steady(12, 1)).secondsLeft(10)).toBeUndefined();
  });

  it("is exact at a steady pace, whatever the start cost", () => {
    expect(paced(steady(13, 2)).secondsLeft(10)).toBeCloseTo(20, 9);
    expect(paced([60, 30, ...steady(20, 2)]).secondsLeft(10)).toBeCloseTo(20, 9);
  });

  it("counts the time between updates, and bursts do not disturb it", () => {
    const pace = createPace();
    for (let i = 0; i < 120; i++) pace.add({ tokens: 1, seconds: 0.1 }, 1000 * Math.floor(i / 3));
    expect(pace.secondsLeft(30)).toBeGreaterThan(9);
    expect(pace.secondsLeft(30)).toBeLessThan(11);
  });

  it("is withheld while the pace changes, and comes back when it has settled", () => {
    expect(paced([...steady(30, 1), ...steady(10, 2)]).secondsLeft(10)).toBeUndefined();
    expect(paced([...steady(30, 1), ...steady(60, 2)]).secondsLeft(10)).toBeCloseTo(20, 9);
  });

  it("appears in the line, and not after the last step", () => {
    const { writes, output, now, pass } = recorder(true);
    const progress = createProgress(output, { now });
    for (let step = 1; step <= 20; step++) {
      progress.update(update(step, 20));
      pass(3);
    }
    expect(writes[15]).toContain("12 s left");
    expect(writes[3]).not.toContain("left");
    expect(writes[19]).not.toContain("left");
  });

  it("measures tokens per second over the last ten updates", () => {
    expect(paced([]).tokensPerSecond()).toBe(0);
    expect(paced([...steady(5, 50), ...steady(10, 2)]).tokensPerSecond()).toBe(50);
  });
});
