/** The head of the report: the name of the run, the verdict in words with what to do, and how the run ended. */

import { formatCount, formatDuration } from "../core/units.ts";
import type { Verdict } from "../health/finding.ts";
import { clipped, type Html, html, type Part } from "./html.ts";
import { icon, UNJUDGED, VERDICT_SIGNS } from "./icon.ts";
import type { ReportInput } from "./input.ts";
import { counted, dateText } from "./words.ts";

const ADVICE: Readonly<Record<Verdict, string>> = {
  healthy: "Nothing stands against using this adapter.",
  suspicious: "Read what is marked below before you use the adapter.",
  collapsed: "Do not use this adapter: its files are right, its answers are not.",
  broken: "Do not use this adapter. The certificate says what failed.",
};

const LONGEST_TITLE = 200;

/** The page's only first heading, and what one must know before reading on. */
export function verdictPart(input: ReportInput): Html {
  const { title, verdict, reason, error } = input;
  const sign = verdict ? VERDICT_SIGNS[verdict] : UNJUDGED;
  return html`<header>
<p class="soft small">Lorikeet run report</p>
<h1 dir="auto">${clipped(title, LONGEST_TITLE)}</h1>
<div class="verdict" data-tone="${sign.tone}">
${icon(sign.icon)}
<div>
<p><strong>Verdict: ${sign.word}.</strong> ${reason}</p>
<p>${verdict ? ADVICE[verdict] : unjudged(input)}</p>
</div>
</div>
${error ? html`<div class="verdict" data-tone="bad">${icon("cross-circle")}<div><p><strong>The run failed.</strong></p><p class="answer">${error}</p></div></div>` : null}
<p class="soft">${statusLine(input)}</p>
</header>
`;
}

/** In step with the certificate, which lists checks also where nobody has judged them together. */
function unjudged({ status, checks }: ReportInput): string {
  if (checks.length > 0) return "The certificate says what was checked.";
  if (status === "running" || status === "paused") return "The adapter is judged when the run ends.";
  return "There is no adapter to judge.";
}

const STATUS: Readonly<Record<ReportInput["status"], string>> = {
  running: "Still running when this was written",
  paused: "Paused when this was written",
  finished: "Finished",
  stopped: "Stopped by hand",
  failed: "Failed",
};

const ENDED_EARLY = {
  "early-stop": "Ended early: the validation loss no longer fell",
  "gave-up": "Gave up: the run diverged again after its last rollback",
};

function statusLine({ status, began, ended, model, resumed, done, start }: ReportInput): Part {
  const wall = ended === null ? Number.NaN : (Date.parse(ended) - Date.parse(began)) / 1000;
  const early = done?.endedEarly;
  const words = [
    early ? ENDED_EARLY[early] : STATUS[status],
    `began ${dateText(began)}`,
    ended !== null && `ended ${dateText(ended)}`,
    Number.isFinite(wall) && wall >= 0 && `${formatDuration(wall)} in all`,
    `model ${model.name}`,
    resumed &&
      `gone on from ${resumed.kind} ${resumed.from}${start?.doneSteps ? `, with ${counted(start.doneSteps, "update")} behind it` : ""}`,
    done && done.steps > 0 && `kept: the adapter after update ${formatCount(done.chosenStep)} (${CHOSEN[done.chosen]})`,
  ];
  return `${words.filter((word) => typeof word === "string").join(" · ")}.`;
}

const CHOSEN = { best: "lowest validation loss", last: "the last" };
