/** Short judgements: an icon and words, in the colour of their tone. */
import type { ReactNode } from "react";
import { Icon, type IconName } from "./icon.tsx";
import { TONES, type Tone } from "./tone.ts";
import "./badge.css";

export interface BadgeProps {
  readonly tone: Tone;
  /** Instead of the tone's own. */
  readonly icon?: IconName;
  readonly children: ReactNode;
}

/** One or two words in a pill: Fits, Tight, Too large. */
export function Badge({ tone, icon, children }: BadgeProps) {
  const shown = icon ?? (tone === "neutral" ? undefined : TONES[tone].icon);
  return (
    <span className="k-badge" data-tone={tone}>
      {shown && <Icon name={shown} />}
      {children}
    </span>
  );
}

/** One line of judgement: "Healthy: loss 2.31 → 1.42, gradients steady". */
export function Verdict({ tone, icon, children }: BadgeProps) {
  return (
    <p className="k-verdict" data-tone={tone}>
      <Icon name={icon ?? TONES[tone].icon} label={TONES[tone].word} />
      <span>{children}</span>
    </p>
  );
}
