/** The end of a run: figures, the certificate, and the way on. */
import { useEffect, useState } from "react";
import { formatSetting } from "../../../core/units.ts";
import { Verdict } from "../../kit/badge.tsx";
import { Button, LinkButton } from "../../kit/button.tsx";
import { Section } from "../../kit/card.tsx";
import { Certificate } from "../../kit/certificate.tsx";
import { Figures } from "../../kit/facts.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { handedOver } from "../verdict-words.ts";
import { Judgement } from "./judgement.tsx";
import { certificateChecks, finalFigures, keptWords, lowerRate, type Totals, totalsOf } from "./totals.ts";
import { VoicePart } from "./voice-part.tsx";

interface FinishProps {
  /** Another run is being prepared below, and has the one primary action. */
  readonly again: boolean;
  /** Settings were changed for another run. */
  readonly onChange: () => void;
}

export function Finish({ again, onChange }: FinishProps) {
  const { curves } = usePage();
  const outcome = useAppState((state) => state.run.outcome);
  const totals = useTotals();
  if (!outcome) return <p className="k-soft">The run ended without a report.</p>;
  const verdict = handedOver(outcome);
  return (
    <div className="c-train-finish">
      <Figures figures={finalFigures(curves.points, totals)} />
      <Judgement ended />
      <WayOn again={again} onChange={onChange} />
      <Section title="Certificate">
        {verdict === "broken" && (
          <Verdict tone="bad">The adapter did not pass every check, so it cannot be downloaded.</Verdict>
        )}
        <Certificate checks={certificateChecks(outcome)} />
        {verdict !== "broken" && <p className="k-soft k-small">{keptWords(outcome)}</p>}
      </Section>
      <VoicePart />
    </div>
  );
}

/** What comes next: the other cards for an adapter of use, a lower rate for a run that went astray, or both. */
function WayOn({ again, onChange }: FinishProps) {
  const { actions } = usePage();
  const outcome = useAppState((state) => state.run.outcome);
  const rate = useAppState((state) => state.run.config?.learningRate ?? null);
  if (!outcome) return null;
  const verdict = handedOver(outcome);
  const lower = rate === null ? null : lowerRate(outcome, rate);
  const usable = verdict === "healthy" || verdict === "suspicious";
  const setLower = () => {
    actions.setKnob("learningRate", lower);
    onChange();
  };
  // The next card takes this one's place on the screen.
  const close = () => actions.toggleCard("train", false);
  return (
    <div className="k-row">
      {lower !== null && !usable && (
        <Button kind={again ? "plain" : "primary"} onPress={setLower}>
          Set the learning rate to {formatSetting(lower)}
        </Button>
      )}
      {usable && (
        <LinkButton kind={again ? "plain" : "primary"} href="#check" onPress={close}>
          Compare answers
        </LinkButton>
      )}
      {verdict !== "broken" && (
        <LinkButton href="#download" onPress={close}>
          Download
        </LinkButton>
      )}
      {lower !== null && usable && <Button onPress={setLower}>Set the learning rate to {formatSetting(lower)}</Button>}
    </div>
  );
}

/** Time and tokens of the whole run; null until its events have been read. */
function useTotals(): Totals | null {
  const { actions } = usePage();
  const id = useAppState((state) => state.run.id);
  const [totals, setTotals] = useState<Totals | null>(null);
  useEffect(() => {
    let current = true;
    setTotals(null);
    if (id === null) return;
    actions
      .runDetail(id)
      .then(({ events }) => current && setTotals(totalsOf(events)))
      .catch(() => {}); // the figures stand without them
    return () => {
      current = false;
    };
  }, [actions, id]);
  return totals;
}
