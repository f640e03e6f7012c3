import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../src/cli/launch/places.mjs";
import type { ReportInput } from "../../src/report/input.ts";
import { runReport } from "../../src/report/report.ts";
import {
  attributeOf,
  collapsedRun,
  elementsOf,
  emptyRun,
  healthyRun,
  partText,
  probesOf,
  stepsOf,
  textOf,
  validationsOf,
} from "./support.ts";

const RUNS: Readonly<Record<string, ReportInput>> = {
  healthy: healthyRun(),
  collapsed: collapsedRun(),
  empty: emptyRun(),
  "one update": healthyRun({ steps: stepsOf(1, 1), validations: [] }),
};
const PARTS = [
  "certificate",
  "summary",
  "curves",
  "preflight",
  "course",
  "answers",
  "voice",
  "layers",
  "settings",
  "data",
  "place",
  "guide",
];

describe.each(Object.entries(RUNS))("the report of a run: %s", (_, run) => {
  const report = runReport(run);
  const elements = elementsOf(report);
  const named = (name: string) => elements.filter(({ tagName }) => tagName === name);

  it("is the same bytes for the same input", () => {
    expect(runReport(structuredClone(run))).toBe(report);
    expect(runReport({ ...run, reason: "Another." })).not.toBe(report);
  });

  it("stands by itself, under a policy that lets nothing in or out", () => {
    expect(report).toMatch(/^<!doctype html>\n<html lang="en">/);
    const policy = elements.find((element) => attributeOf(element, "http-equiv") === "Content-Security-Policy")!;
    const rules = attributeOf(policy, "content")!.split("; ");
    expect(rules).toEqual(expect.arrayContaining(["default-src 'none'", "style-src 'unsafe-inline'", "img-src data:"]));
    expect(rules.join()).not.toMatch(/script|https?:|\*/);
    // Before anything that it must hold.
    expect(elements.indexOf(policy)).toBeLessThan(elements.indexOf(named("style")[0]!));
    for (const name of ["script", "iframe", "object", "img", "form", "base", "audio", "use"])
      expect(named(name)).toEqual([]);
    const attributes = elements.flatMap(({ attrs }) => attrs);
    expect(attributes.filter(({ name }) => /^on|^src|^xlink|^formaction|^ping/.test(name))).toEqual([]);
    expect(report).not.toMatch(/url\(|@import|https?:/);
  });

  it("has one first heading, every part under a heading of its own, and no heading skipped", () => {
    const headings = elements.filter(({ tagName }) => /^h\d$/.test(tagName));
    const levels = headings.map(({ tagName }) => Number(tagName[1]));
    expect(levels.filter((level) => level === 1)).toHaveLength(1);
    expect(levels.every((level, i) => i === 0 || level <= levels[i - 1]! + 1)).toBe(true);
    expect(named("h2").map((heading) => attributeOf(heading, "id"))).toEqual(PARTS);
    const links = named("a").map((link) => attributeOf(link, "href"));
    expect(links).toEqual(PARTS.map((id) => `#${id}`));
    const ids = elements.flatMap((element) => attributeOf(element, "id") ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    for (const element of elements) {
      const name = attributeOf(element, "aria-labelledby");
      if (name !== undefined) expect(ids).toContain(name);
    }
  });

  it("gives every table a caption and every heading cell its scope", () => {
    expect(named("table").length).toBeGreaterThan(1);
    expect(named("caption")).toHaveLength(named("table").length);
    expect(named("th").map((cell) => attributeOf(cell, "scope"))).not.toContain(undefined);
  });

  it("has words for every picture, and never a number that is none", () => {
    const pictures = elements.filter((element) => attributeOf(element, "role") === "img");
    for (const picture of pictures) expect(attributeOf(picture, "aria-label")).toMatch(/^[A-Z].{20,}\.$/s);
    for (const element of elements) expect(attributeOf(element, "d") ?? "").not.toMatch(/NaN|Infinity/);
    expect(textOf(named("body")[0]!)).not.toMatch(/undefined|NaN(?!:)|Infinity|\[object/);
  });
});

describe("what is said", () => {
  const verdictOf = (run: ReportInput) => {
    const box = elementsOf(runReport(run)).find((element) => attributeOf(element, "class") === "verdict")!;
    return `${attributeOf(box, "data-tone")}: ${textOf(box).replace(/\s+/g, " ").trim()}`;
  };

  it("the verdict in words, with what to do", () => {
    expect(verdictOf(healthyRun())).toMatch(/^good: Verdict: Healthy\. All 4 checks passed.* Nothing stands against/);
    expect(verdictOf(healthyRun({ verdict: "suspicious" }))).toMatch(/^warn: Verdict: Suspicious\./);
    expect(verdictOf(collapsedRun())).toMatch(/^bad: Verdict: Collapsed\..*Do not use this adapter/);
    expect(verdictOf(healthyRun({ verdict: "broken" }))).toMatch(/^bad: Verdict: Broken\..*Do not use this adapter/);
    expect(verdictOf(emptyRun())).toMatch(/^neutral: Verdict: Not judged\./);
  });

  it("each check with its evidence, the failed ones by word", () => {
    expect(partText(runReport(healthyRun()), "certificate")).toMatch(/4 of 4 checks passed\..*Passed.*336 tensors/);
    expect(partText(runReport(healthyRun()), "certificate")).not.toContain("Failed");
    expect(partText(runReport(collapsedRun()), "certificate")).toMatch(
      /4 of 5 checks passed; .*Failedits answers are coherent/,
    );
    expect(partText(runReport(emptyRun()), "certificate")).toContain("Nothing was checked");
    expect(partText(runReport(emptyRun({ status: "running" })), "certificate")).toContain("Checked when the run ends");
  });

  it("the run in figures", () => {
    const text = partText(runReport(healthyRun()), "summary");
    expect(text).toContain("Validation loss2.31 → 1.47base model → lowest, after update 100");
    expect(text).toMatch(/Tokens seen50,40033,600 of them carry loss/);
    const collapsed = partText(runReport(collapsedRun()), "summary");
    expect(collapsed).toContain("Updates74of 120 planned · 4 rollbacks took back 36 · 1 skipped");
  });

  it("updates that were not finite, as such", () => {
    const lost = stepsOf(1, 4).map((step) => ({ ...step, loss: Number.NaN, gradNorm: Number.NaN, finite: false }));
    const report = runReport(healthyRun({ steps: lost, validations: [] }));
    expect(partText(report, "curves")).toContain("None of 4 updates had a finite loss. 4 updates skipped");
    expect(partText(report, "curves")).toContain("Nothing measured. 4 values not finite.");
    expect(partText(report, "curves")).toContain("not finite, skipped");
    expect(partText(report, "summary")).toContain("no update had a finite loss");
    const marks = (text: string) => text.split('class="mark mark-skipped"').length - 1;
    expect(marks(report)).toBe(4);
    expect(marks(runReport(healthyRun()))).toBe(0);
    // As metrics.jsonl has them.
    const stored = lost.map((step) => ({ ...step, loss: null as unknown as number }));
    expect(partText(runReport(healthyRun({ steps: stored })), "curves")).toContain("None of 4 updates");
  });

  it("one update alone as a dot", () => {
    const dots = (run: ReportInput) => runReport(run).split(/class="line-smooth dots" d="M\d+ \d+h0"/).length - 1;
    const one = { validations: [], probes: [] };
    expect(dots(healthyRun({ ...one, steps: stepsOf(1, 1) }))).toBe(4);
    expect(dots(healthyRun({ ...one, steps: stepsOf(1, 2) }))).toBe(0);
  });

  it("rollbacks, on the curve and in the course, with what was done", () => {
    const report = runReport(collapsedRun());
    expect(report.split('class="mark mark-rollback"')).toHaveLength(5);
    expect(partText(report, "course")).toMatch(
      /Problem.*Update 22: Loss rising.*put back to where it stood after update 16; learning rate × 0\.5 .*batch of update 20 left out\./,
    );
    expect(partText(report, "course")).toMatch(/Update 74: Gave up.*put back to where it stood after update 64\./);
    expect(partText(runReport(healthyRun()), "course")).toContain("Nothing that called for attention");
  });

  it("each question's answers, the base's and the kept adapter's among them, with verdict and symptoms", () => {
    const text = partText(runReport(collapsedRun()), "answers");
    expect(text).toMatch(/I am hungry\. Base model Healthy No, a frog.*After update 40 Collapsed ,{48} … cut off/);
    expect(text).toMatch(/Kept adapter ?after update 64 Collapsed/);
    expect(text).toContain("48 of 48 tokens are the same: “,”");
    expect(partText(runReport(healthyRun({ probes: probesOf([0, 5], () => ({ text: " " })) })), "answers")).toContain(
      "an empty answer",
    );
    expect(partText(runReport(emptyRun()), "answers")).toContain("No question was asked");
  });

  it("of many answers those where the verdict changed", () => {
    const symptoms = [{ kind: "x", level: "suspicious", text: "repeats itself" }] as const;
    const steps = Array.from({ length: 40 }, (_, i) => i * 5);
    const probes = probesOf(steps, (i) => (i < 23 ? {} : { health: { verdict: "suspicious", symptoms } }));
    const text = partText(runReport(healthyRun({ probes, done: null })), "answers");
    expect(text).toContain("After update 115 Suspicious");
    expect(text).toContain("34 answers between these left out");
  });

  it("layers that stand out, by sign and word", () => {
    const text = partText(runReport(collapsedRun()), "layers");
    expect(text).toContain(
      "1 changes nothing (block 3, q_proj). 1 not finite (block 11, up_proj). 1 far above its neighbours (block 17, down_proj).",
    );
    const cells = elementsOf(runReport(collapsedRun())).filter((cell) =>
      ["zero", "broken", "large"].includes(attributeOf(cell, "data-sign") ?? ""),
    );
    expect(cells.map((cell) => textOf(cell).trim()[0])).toEqual(["0", "✕", "▲"]);
    expect(attributeOf(cells[0]!, "title")).toMatch(
      /^block 3, q_proj: ‖ΔW‖ 0, .*effective rank 5\.2 of 8.*changes nothing$/,
    );
    expect(partText(runReport(healthyRun()), "layers")).toContain("none is far from its neighbours");
  });

  it("settings that were changed, first", () => {
    const text = partText(runReport(healthyRun()), "settings");
    expect(text).toMatch(/4 settings changed.*steps.*120 updates changed.*learning-rate.*1e-4 changed2e-4.*batch-size/);
    expect(text).toContain("auto: 6 updates");
    expect(partText(runReport(emptyRun()), "settings")).toContain("All settings are the defaults.");
    // Of a page that had no guard yet.
    const { guard: _, ...older } = emptyRun().config;
    const report = runReport(emptyRun({ config: older as ReportInput["config"] }));
    expect(partText(report, "settings")).toMatch(/All settings are the defaults.*guard.*not known/);
  });

  it("without a verdict, no more than is so", () => {
    const older = { verdict: null, reason: "This run was made by an older page, which judged the checks alone." };
    expect(runReport(healthyRun(older))).toContain("<p>The certificate says what was checked.</p>");
    expect(runReport(emptyRun())).toContain("There is no adapter to judge.");
    const going = runReport(emptyRun({ status: "running", ended: null }));
    expect(going).toContain("The adapter is judged when the run ends.");
    expect(going).not.toContain("There is no adapter to judge");
  });

  it("data, device, a resumed run, an early end", () => {
    const report = runReport(
      healthyRun({
        resumed: { kind: "checkpoint", from: "old/checkpoint.safetensors" },
        start: { ...healthyRun().start!, doneSteps: 40 },
        done: { ...healthyRun().done!, endedEarly: "early-stop" },
      }),
    );
    expect(partText(report, "data")).toMatch(
      /Records used250 of 25648 of 48.*2: lines 17, 80none.*4: lines 3, 9, 27, 81none/,
    );
    expect(partText(report, "place")).toContain("Apple M3, metal-3");
    const head = textOf(elementsOf(report).find(({ tagName }) => tagName === "header")!);
    expect(head).toContain("Ended early: the validation loss no longer fell · began 26 Jul 2026, 14:03 UTC");
    expect(head).toContain("gone on from checkpoint old/checkpoint.safetensors, with 40 updates behind it");
    expect(partText(runReport(emptyRun()), "data")).toContain("There was no validation set");
  });

  it("voice, base beside tuned, and when it did not come closer", () => {
    expect(partText(runReport(healthyRun()), "voice")).toMatch(
      /is closer to .*0\.24 → 0\.61 of 1\..*Base0\.24Tuned0\.61/,
    );
    const voice = { ...healthyRun().voice!, tuned: { score: 0.2, chrF: Number.NaN, style: 0.2 } };
    expect(partText(runReport(healthyRun({ voice })), "voice")).toMatch(/is no closer .*Tunednot finite/);
  });

  it("a validation loss that never improved", () => {
    const text = partText(runReport(healthyRun({ validations: validationsOf([[0, 2.31]]) })), "summary");
    expect(text).toContain("Validation loss2.31base model");
  });
});

it("has the page's colours", () => {
  const colours = (file: string) =>
    new Map(
      [...readFileSync(path.join(root, file), "utf8").matchAll(/(--[\w-]+): (light-dark\(.*\));/g)].map((found) => [
        found[1]!,
        found[2]!,
      ]),
    );
  const page = colours("src/ui/kit/tokens.css");
  const report = colours("src/report/report.css");
  report.delete("--heat");
  expect(report.size).toBeGreaterThan(15);
  for (const [name, value] of report) expect([name, value]).toEqual([name, page.get(name)]);
  const [style] = elementsOf(runReport(emptyRun())).filter(({ tagName }) => tagName === "style");
  expect(textOf(style!)).toContain("--ground: light-dark(");
});
