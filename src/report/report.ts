/**
 * The run report: one HTML file that stands by itself. No script, no request, no font; a Content-Security-Policy that
 * would refuse them. The same input gives the same bytes.
 */
import { answersPart, voicePart } from "./answers-part.ts";
import { certificatePart } from "./certificate-part.ts";
import charts from "./charts.css?raw";
import { sortSteps } from "./course.ts";
import { curvesPart } from "./curves-part.ts";
import { dataPart, placePart } from "./data-part.ts";
import { coursePart, preflightPart } from "./findings-part.ts";
import { guidePart } from "./guide-part.ts";
import { html, raw, render } from "./html.ts";
import type { ReportInput } from "./input.ts";
import { layersPart } from "./layers-part.ts";
import { type Section, sectionMarkup } from "./layout.ts";
import media from "./media.css?raw";
import page from "./report.css?raw";
import { settingsPart } from "./settings-part.ts";
import { summaryPart } from "./summary-part.ts";
import tables from "./tables.css?raw";
import { verdictPart } from "./verdict-part.ts";

/** Styles of this file and inline ones; `data:` for the empty icon that keeps a browser from asking for one. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** The whole file as text, to be written as UTF-8. */
export function runReport(input: ReportInput): string {
  const steps = sortSteps(input.steps, input.health);
  const sections: readonly Section[] = [
    certificatePart(input),
    summaryPart(input, steps),
    curvesPart(input, steps),
    preflightPart(input),
    coursePart(input),
    answersPart(input),
    voicePart(input),
    layersPart(input),
    settingsPart(input),
    dataPart(input),
    placePart(input),
    guidePart(),
  ];
  return render(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${raw(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${input.title} – Lorikeet run report</title>
<style>${raw(page + charts + tables + media)}</style>
</head>
<body>
<main>
${verdictPart(input)}
<nav aria-label="Parts of the report"><ul>${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}</ul></nav>
${sections.map(sectionMarkup)}
</main>
</body>
</html>
`);
}
