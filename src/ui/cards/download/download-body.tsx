/** The open Download card: the certificate, the files, commands for other tools, the Hub. */
import type { RunOutcome } from "../../../worker/protocol.ts";
import { Verdict } from "../../kit/badge.tsx";
import { Certificate } from "../../kit/certificate.tsx";
import { Details } from "../../kit/details.tsx";
import { Icon } from "../../kit/icon.tsx";
import { Notice } from "../../kit/notice.tsx";
import { useAppState } from "../../state/page.tsx";
import { GoToTrain } from "../check/go-to-train.tsx";
import { certificateChecks } from "../train/totals.ts";
import { verdictLine, verdictOf } from "../verdict-words.ts";
import { CollapsedPart } from "./collapsed-part.tsx";
import { CommandsPanel } from "./commands-panel.tsx";
import { failedWords, offerOf, passedWords } from "./files.ts";
import { FilesPanel } from "./files-panel.tsx";
import { PushPanel } from "./push-panel.tsx";
import "./download.css";

export function DownloadBody() {
  const offer = useAppState(offerOf);
  const outcome = useAppState((state) => state.run.outcome);
  switch (offer) {
    case "none":
    case "running":
      return <Empty running={offer === "running"} />;
    case "failed":
      return (
        <>
          <Notice
            tone="bad"
            title="The run ended without an adapter"
            actions={<GoToTrain>See what happened</GoToTrain>}
          >
            <p>Its metrics up to the last update can still be downloaded.</p>
          </Notice>
          <FilesPanel offer={offer} />
        </>
      );
    case "refused":
      return (
        <>
          <Notice
            tone="bad"
            title={`${failedWords(outcome)}, so the adapter is not offered`}
            actions={<GoToTrain>Train again</GoToTrain>}
          >
            {verdictOf(outcome) === "broken" && <p>{outcome?.judged.reason}</p>}
            <p>A broken file would fail later, in another tool and without a word. The record of the run is below.</p>
          </Notice>
          {outcome && <Certificate checks={certificateChecks(outcome)} />}
          <FilesPanel offer={offer} />
        </>
      );
    case "collapsed":
      return <CollapsedPart />;
    case "whole":
      return (
        <>
          {outcome && <Passed outcome={outcome} />}
          <FilesPanel offer={offer} />
          <CommandsPanel />
          <PushPanel />
        </>
      );
  }
}

function Empty({ running }: { readonly running: boolean }) {
  return (
    <div className="c-download-empty">
      <p>
        {running
          ? "The adapter is offered here when it is trained, read back and checked."
          : "Train first; here you download adapters.safetensors, for mlx-lm, PEFT, llama.cpp and others."}
      </p>
      <div>
        <GoToTrain>{running ? "Watch it train" : "Go to Train"}</GoToTrain>
      </div>
    </div>
  );
}

/** The verdict with its reason; the checks themselves are a press away. */
function Passed({ outcome }: { readonly outcome: RunOutcome }) {
  const line = verdictLine(outcome);
  return (
    <div className="c-download-verdict">
      {line && <Verdict tone={line.tone}>{line.text}</Verdict>}
      <Details
        summary={
          <span className="c-download-passed">
            <Icon name="check-circle" />
            {passedWords(outcome)}: the adapter does what was trained, and the file is the adapter.
          </span>
        }
      >
        <Certificate checks={certificateChecks(outcome)} />
      </Details>
    </div>
  );
}
