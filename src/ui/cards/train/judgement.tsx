/** The verdict on the run in words, for the eye at once and for screen readers now and then. */
import type { ReactNode } from "react";
import { Verdict } from "../../kit/badge.tsx";
import { Status } from "../../kit/status.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { verdictLine } from "../verdict-words.ts";
import { spokenSummary } from "./curve-text.ts";
import { inForce, withHealth } from "./health-words.ts";
import { stepWords } from "./summary.ts";
import { judge } from "./verdict.ts";

/** Milliseconds between two words to screen readers. */
const SPEAK_EVERY = 10_000;

/** The engine's words where it has some, with the curves' facts. `ended`: nothing more will come. `aside` stands at the right. */
export function Judgement({ ended, aside }: { readonly ended: boolean; readonly aside?: ReactNode }) {
  const { curves } = usePage();
  const step = useAppState((state) => state.step);
  const total = useAppState((state) => state.run.start?.totalSteps);
  const health = useAppState((state) => state.health);
  const watched = useAppState(({ run, findings }) => findings.length > 0 && run.config?.guard !== false);
  const outcome = useAppState((state) => state.run.outcome);
  const facts = judge(curves.points, ended, watched);
  const judged = ended ? verdictLine(outcome) : null;
  const { tone, text } = judged ?? withHealth(facts, inForce(health, step));
  return (
    <div className="c-train-verdict">
      <Verdict tone={tone}>{text}</Verdict>
      {judged && <p className="c-train-facts k-soft k-small">{facts.text}</p>}
      {aside}
      {!ended && step > 0 && <Status every={SPEAK_EVERY} text={spokenSummary(stepWords(step, total), text)} />}
    </div>
  );
}
