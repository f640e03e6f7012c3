/** The end of a run: figures, the certificate, and the way on. */
import { useEffect, useState } from "react";
import { Verdict } from "../../kit/badge.tsx";
import { Button, LinkButton } from "../../kit/button.tsx";
import { Section } from "../../kit/card.tsx";
import { Certificate } from "../../kit/certificate.tsx";
import { Figures } from "../../kit/facts.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { Judgement } from "./judgement.tsx";
import { certificateChecks, finalFigures, keptWords, type Totals, totalsOf } from "./totals.ts";

interface FinishProps {
  /** Another run is being prepared below, and has the one primary action. */
  readonly again: boolean;
  /** Settings were changed for another run. */
  readonly onChange: () => void;
}

export function Finish({ again, onChange }: FinishProps) {
  const { actions, curves } = usePage();
  const outcome = useAppState((state) => state.run.outcome);
  const totals = useTotals();
  if (!outcome) return <p className="k-soft">The run ended without a report.</p>;
  const { usable } = outcome;
  // The next card takes this one's place on the screen.
  const close = () => actions.toggleCard("train", false);
  return (
    <div className="c-train-finish">
      <Figures figures={finalFigures(curves.points, totals)} />
      <Judgement ended />
      {usable ? (
        <div className="k-row">
          <LinkButton kind={again ? "plain" : "primary"} href="#check" onPress={close}>
            Compare answers
          </LinkButton>
          <LinkButton href="#download" onPress={close}>
            Download
          </LinkButton>
        </div>
      ) : (
        <LowerRate onSet={onChange} />
      )}
      <Section title="Certificate">
        {!usable && <Verdict tone="bad">The adapter did not pass every check, so it cannot be downloaded.</Verdict>}
        <Certificate checks={certificateChecks(outcome)} />
        {usable && <p className="k-soft k-small">{keptWords(outcome)}</p>}
      </Section>
    </div>
  );
}

/** The remedy for an adapter that went astray. */
function LowerRate({ onSet }: { readonly onSet: () => void }) {
  const { actions } = usePage();
  const rate = useAppState((state) => state.run.config?.learningRate ?? null);
  const broken = useAppState((state) =>
    state.run.outcome?.checks.some(({ name, passed }) => !passed && /finite/.test(name)),
  );
  if (rate === null || !broken) return null;
  const lower = () => {
    actions.setKnob("learningRate", Number((rate / 4).toPrecision(2)));
    onSet();
  };
  return (
    <div>
      <Button kind="primary" onPress={lower}>
        Set a quarter of the learning rate
      </Button>
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
