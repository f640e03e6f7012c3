/** The report's signs: small drawings in the colour of the text around them, each beside a word that says the same. */
import type { Level, Verdict } from "../health/finding.ts";
import { type Html, html } from "./html.ts";

const PATHS = {
  "check-circle": "M8 1.75a6.25 6.25 0 110 12.5a6.25 6.25 0 010-12.5M5.25 8.25l2 2 3.5-4",
  "cross-circle": "M8 1.75a6.25 6.25 0 110 12.5a6.25 6.25 0 010-12.5M6 6l4 4M10 6l-4 4",
  warning: "M8 2l6.5 11.5h-13zM8 6.5v3.25M8 11.6v.05",
  info: "M8 1.75a6.25 6.25 0 110 12.5a6.25 6.25 0 010-12.5M8 7.25v3.75M8 4.9v.05",
  circle: "M8 2.25a5.75 5.75 0 110 11.5a5.75 5.75 0 010-11.5",
  cross: "M4 4l8 8M12 4l-8 8",
  target: "M8 2.25a5.75 5.75 0 110 11.5a5.75 5.75 0 010-11.5M8 6a2 2 0 110 4a2 2 0 010-4",
  back: "M6.5 3l-4 4 4 4M2.5 7h7a4 4 0 010 6.5h-2",
} as const;

export type IconName = keyof typeof PATHS;
export type Tone = "neutral" | "good" | "info" | "warn" | "bad";

/** Hidden from assistive technology: the words beside it say the same. */
export const icon = (name: IconName): Html =>
  html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="${PATHS[name]}"/></svg>`;

interface Sign {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly word: string;
}

export const LEVELS: Readonly<Record<Level, Sign>> = {
  good: { tone: "good", icon: "check-circle", word: "Good" },
  note: { tone: "info", icon: "info", word: "Note" },
  warn: { tone: "warn", icon: "warning", word: "Warning" },
  bad: { tone: "bad", icon: "cross-circle", word: "Problem" },
};

export const VERDICT_SIGNS: Readonly<Record<Verdict, Sign>> = {
  healthy: { tone: "good", icon: "check-circle", word: "Healthy" },
  suspicious: { tone: "warn", icon: "warning", word: "Suspicious" },
  collapsed: { tone: "bad", icon: "cross-circle", word: "Collapsed" },
  broken: { tone: "bad", icon: "cross-circle", word: "Broken" },
};

export const UNJUDGED: Sign = { tone: "neutral", icon: "circle", word: "Not judged" };

/** Icon and word, in the tone's colour. */
export const badge = ({ tone, icon: name, word }: Sign): Html =>
  html`<span class="badge" data-tone="${tone}">${icon(name)} ${word}</span>`;
