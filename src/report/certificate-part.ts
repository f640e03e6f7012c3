/** The certificate: each check of the finished adapter, passed or failed, with its evidence. */
import { html } from "./html.ts";
import { badge, icon } from "./icon.ts";
import type { ReportInput } from "./input.ts";
import { nothing, type Section } from "./layout.ts";
import { counted } from "./words.ts";

const PASSED = { tone: "good", icon: "check-circle", word: "Passed" } as const;
const FAILED = { tone: "bad", icon: "cross-circle", word: "Failed" } as const;
/** More checks than a run can have; what comes from elsewhere stays within bounds. */
const MOST = 60;

export function certificatePart({ checks, status }: ReportInput): Section {
  const passed = checks.filter((check) => check.passed).length;
  const head = { id: "certificate", title: "Certificate" };
  if (checks.length === 0) {
    const going = status === "running" || status === "paused";
    return {
      ...head,
      body: nothing(going ? "Checked when the run ends." : "Nothing was checked: no adapter was written."),
    };
  }
  const all = passed === checks.length;
  return {
    ...head,
    body: html`<p>${icon(all ? "check-circle" : "cross-circle")} ${passed} of ${counted(checks.length, "check")} passed${
      all ? "." : "; what failed is marked."
    }</p>
<ul class="rows">${checks.slice(0, MOST).map(
      ({ name, passed, evidence }) => html`<li data-tone="${passed ? "plain" : "bad"}">
${badge(passed ? PASSED : FAILED)}<div><p class="name">${name}</p><p class="soft">${evidence}</p></div></li>
`,
    )}</ul>`,
  };
}
