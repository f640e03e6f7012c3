/** The verdict on the run in words, for the eye at once and for screen readers now and then. */
import type { ReactNode } from "react";
import { Verdict } from "../../kit/badge.tsx";
import { Status } from "../../kit/status.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { spokenSummary } from "./curve-text.ts";
import { stepWords } from "./summary.ts";
import { judge } from "./verdict.ts";

/** Milliseconds between two words to screen readers. */
const SPEAK_EVERY = 10_000;

/** `ended`: nothing more will come. `aside` stands at the right. */
export function Judgement({ ended, aside }: { readonly ended: boolean; readonly aside?: ReactNode }) {
  const { curves } = usePage();
  const step = useAppState((state) => state.step);
  const total = useAppState((state) => state.run.start?.totalSteps);
  const { tone, text } = judge(curves.points, ended);
  return (
    <div className="c-train-verdict">
      <Verdict tone={tone}>{text}</Verdict>
      {aside}
      {!ended && step > 0 && <Status every={SPEAK_EVERY} text={spokenSummary(stepWords(step, total), text)} />}
    </div>
  );
}
