/**
 * An adapter whose files are right and whose answers are not: said plainly, with a sample, before anything can be taken.
 * The records of the run are there at once, the adapter after a second, deliberate press; the Hub gets nothing.
 */
import { useState } from "react";
import { Button } from "../../kit/button.tsx";
import { Certificate } from "../../kit/certificate.tsx";
import { Details } from "../../kit/details.tsx";
import { Notice } from "../../kit/notice.tsx";
import { useAppState } from "../../state/page.tsx";
import { GoToTrain } from "../check/go-to-train.tsx";
import { certificateChecks } from "../train/totals.ts";
import { CommandsPanel } from "./commands-panel.tsx";
import { collapsedSamples, passedWords } from "./files.ts";
import { FilesPanel } from "./files-panel.tsx";

export function CollapsedPart() {
  const id = useAppState((state) => state.run.id);
  // Asked for anew with every run.
  return <Asked key={id} />;
}

function Asked() {
  const [wanted, setWanted] = useState(false);
  const outcome = useAppState((state) => state.run.outcome);
  if (!outcome) return null;
  return (
    <>
      <Notice
        tone="bad"
        title="The answers of this adapter have collapsed"
        actions={<GoToTrain>Train again</GoToTrain>}
      >
        <p>{outcome.judged.reason}</p>
        <p>The file holds exactly what was trained, and any tool will load it.</p>
        <Samples />
      </Notice>
      <Details summary={passedWords(outcome)}>
        <Certificate checks={certificateChecks(outcome)} />
      </Details>
      <FilesPanel offer="collapsed" insisted={wanted} />
      {wanted ? (
        <>
          <CommandsPanel />
          <p className="k-soft k-small">It is not pushed to the Hub from here: others would not see this warning.</p>
        </>
      ) : (
        <div>
          <Button kind="danger" icon="download" onPress={() => setWanted(true)}>
            Download the adapter all the same
          </Button>
        </div>
      )}
    </>
  );
}

function Samples() {
  const probes = useAppState((state) => state.run.probes);
  const answers = useAppState((state) => state.probeAnswers);
  const samples = collapsedSamples(probes, answers);
  if (samples.length === 0) return <p className="k-soft">None of its answers was kept.</p>;
  return (
    <>
      <p>But this is what it says:</p>
      <ul className="c-download-samples">
        {samples.map(({ question, text, why }) => (
          <li key={question} className="c-download-said">
            <p className="k-small">{question}</p>
            <p className="c-download-sample">{text === "" ? "(nothing at all)" : text}</p>
            {why && <p className="k-soft k-small">{why}</p>}
          </li>
        ))}
      </ul>
    </>
  );
}
