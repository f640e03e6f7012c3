/** The kit's two palettes by name: tones judge, hues tell parts and series apart. Colours themselves are in tokens.css. */
import type { IconName } from "./icon.tsx";

export type Tone = "neutral" | "info" | "good" | "warn" | "bad";
export type Hue = "accent" | "blue" | "violet" | "amber" | "rose" | "grey";

/** The icon and the word that say a tone without its colour. */
export const TONES: Readonly<Record<Tone, { readonly icon: IconName; readonly word: string }>> = {
  neutral: { icon: "dot", word: "Note" },
  info: { icon: "info", word: "Information" },
  good: { icon: "check-circle", word: "Good" },
  warn: { icon: "warning", word: "Warning" },
  bad: { icon: "cross-circle", word: "Problem" },
};
