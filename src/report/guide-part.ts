/** How to read the report: its words and measures, for someone who did not make the run. */
import { html } from "./html.ts";
import type { Section } from "./layout.ts";

const TERMS: readonly (readonly [string, string])[] = [
  [
    "Verdict",
    "Healthy: every check passed and the answers are language. Suspicious: usable, with something to look at. Collapsed: the files are right, but the answers have become empty, endless or one word over and over. Broken: a check of the adapter itself failed.",
  ],
  [
    "Certificate",
    "Proof about the files that were written: the numbers are finite, every layer moved, the model answers differently with the adapter, and the file read back gives what was trained.",
  ],
  [
    "Loss",
    "How surprised the model is by the next token of an answer, as a natural logarithm: 0 is certain, 0.69 is a choice between two. Training loss is of the batch before its update; a single batch may be hard, so the smoothed line counts.",
  ],
  [
    "Validation loss",
    "The same on records that were not trained on. When it rises while the training loss falls, the model learns the records by heart; the adapter with the lowest validation loss is kept.",
  ],
  [
    "Gradient norm",
    "How hard the loss pulls at the adapter. Even is good; jumps of many times the usual size announce trouble. Above the clipping limit it is scaled down.",
  ],
  [
    "Rolled back",
    "The loss left its course, so the adapter was put back to an earlier state, the learning rate lowered and the batch left out. The dashed part of the curve is what was taken back.",
  ],
  [
    "Answers",
    "The same questions, answered greedily by the base model and by the adapter as it grew. The manner should change, the sense should stay.",
  ],
  [
    "Voice score",
    "0 to 1: how close answers to validation questions come to the manner of the dataset. It measures likeness, not truth.",
  ],
  [
    "‖ΔW‖",
    "Size of the adapter's change to one weight matrix. Neighbouring blocks usually change alike; a zero layer learned nothing, a layer far larger than its neighbours may do damage.",
  ],
];

export const guidePart = (): Section => ({
  id: "guide",
  title: "How to read this report",
  body: html`<dl class="guide">${TERMS.map(
    ([term, text]) => html`<div><dt>${term}</dt><dd>${text}</dd></div>
`,
  )}</dl>`,
});
