/** Whatever a model answers and however a file is called: the report stays the same document, within its size. */
import { describe, expect, it } from "vitest";
import type { ReportInput } from "../../src/report/input.ts";
import { runReport } from "../../src/report/report.ts";
import {
  attributeOf,
  auditOf,
  CHECKS,
  elementsOf,
  factorsOf,
  healthyRun,
  probesOf,
  stepsOf,
  textOf,
  validationsOf,
} from "./support.ts";

const EVIL = `</style></title><script>alert(1)</script><img src=x onerror="x">" onload='x' \`\u202eevil\u0000`;

/** The same text in every place that takes one. */
function runWith(text: string): ReportInput {
  const run = healthyRun();
  const finding = { id: text, level: "bad", title: text, evidence: text, fix: text } as const;
  const symptom = { kind: text, level: "suspicious", text } as const;
  return {
    ...run,
    ...{ title: text, reason: text, error: text, resumed: { kind: text, from: text } },
    versions: { [text]: text },
    device: { name: text, source: text, forms: [text] },
    model: { ...run.model, name: text, family: text },
    config: { ...run.config, targetModules: [text] },
    train: { ...run.train, name: text },
    preflight: [finding],
    health: [{ type: "health", step: 3, kind: "spike", level: "warn", text, fix: text }],
    questions: [text, text, text],
    probes: probesOf([0, 20], () => ({ text, health: { verdict: "suspicious", symptoms: [symptom] } })),
    checks: [{ name: text, passed: false, evidence: text }],
    audit: auditOf(
      factorsOf(3).map((factor, i) =>
        i % 2 === 0 ? { ...factor, module: `model.layers.${i}.${text}` } : { ...factor, module: `${i}${text}` },
      ),
    ),
    files: [{ name: text, bytes: 1, about: text }],
  };
}

const shapeOf = (report: string) =>
  elementsOf(report).map((element) => `${element.tagName} ${element.attrs.map(({ name }) => name).join(" ")}`);

describe("hostile text", () => {
  const report = runReport(runWith(EVIL));

  it("makes no element and no attribute", () => {
    expect(shapeOf(report)).toEqual(shapeOf(runReport(runWith("tame"))));
  });

  it("is there to be read, with what cannot be seen made visible", () => {
    const titles = elementsOf(report).filter(({ tagName }) => ["title", "h1"].includes(tagName));
    const read = EVIL.replace("\u202e", "⟨U+202E⟩").replace("\u0000", "⟨U+0000⟩");
    expect(titles.map(textOf)).toEqual([`${read} – Lorikeet run report`, read]);
    for (const letter of ["\u0000", "\u202e"]) expect(report).not.toContain(letter);
  });

  it("stays out of styles and addresses", () => {
    for (const element of elementsOf(report)) {
      const style = attributeOf(element, "style") ?? "";
      expect(style).toMatch(/^((left|bottom|width|--level):-?[\d.]+%?;?)*$/);
      const href = attributeOf(element, "href");
      if (href !== undefined) expect(href).toMatch(/^(#[a-z]+|data:,)$/);
    }
  });
});

describe("the size", () => {
  it("of a report of 100,000 updates is below 1 MB", () => {
    const steps = stepsOf(1, 100_000);
    const validations = validationsOf(Array.from({ length: 2000 }, (_, i) => [50 * i, 2 - i / 4000] as const));
    const report = runReport(healthyRun({ steps, validations, audit: auditOf(factorsOf(80)) }));
    expect(report.length).toBeLessThan(400_000);
    expect(elementsOf(report).filter((element) => attributeOf(element, "class") === "line-raw").length).toBeGreaterThan(
      2,
    );
  });

  it("stays below it with answers of 1 MB, thousands of events and of failing updates", () => {
    const many = Array.from({ length: 3000 }, (_, i) => i + 1);
    const long = "<\u202e".repeat(500_000);
    const symptoms = many.map(() => ({ kind: "x", level: "suspicious", text: long }) as const);
    const report = runReport(
      healthyRun({
        steps: many.flatMap((step) => ({ ...stepsOf(step, step)[0]!, finite: false, loss: Number.NaN })),
        health: many.map((step) => ({
          type: "health",
          step,
          kind: "skipped",
          level: "warn",
          text: `Update ${step} was skipped.`,
        })),
        questions: many.slice(0, 40).map(() => "Why?"),
        probes: many.slice(0, 40).flatMap((index) =>
          probesOf([0, 1, 2, 3, 4, 5, 6, 7], () => ({
            index,
            text: long,
            health: { verdict: "suspicious", symptoms: symptoms.slice(0, 1) },
          })).slice(0, 8),
        ),
        checks: many.flatMap(() => CHECKS),
        files: many.map((i) => ({ name: `${i}`, bytes: i })),
      }),
    );
    expect(Buffer.byteLength(report)).toBeLessThan(1_000_000);
    expect(report).toContain("more characters are left out");
    expect(report).toContain("2,880 events of less weight left out");
    expect(report).toContain("28 more questions left out");
  });
});
