/** One earlier run: what it was, how it ended, and what can be done with it. */
import { useState } from "react";
import { formatBytes } from "../../../core/units.ts";
import type { RunSummary } from "../../../worker/protocol.ts";
import { Badge } from "../../kit/badge.tsx";
import { Button, IconButton } from "../../kit/button.tsx";
import { Dialog } from "../../kit/dialog.tsx";
import { holder } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { VERDICT_WORDS } from "../verdict-words.ts";
import { dateWords, figureWords, statusWords } from "./run-words.ts";

interface RunRowProps {
  readonly run: RunSummary;
  readonly chosen: boolean;
  /** null: there is nothing to compare it with. */
  readonly choosable: boolean | null;
  readonly onChoose: (chosen: boolean) => void;
}

export function RunRow({ run, chosen, choosable, onChoose }: RunRowProps) {
  const { title, modelTitle, dataTitle, began, status } = run;
  const shown = useAppState((state) => state.run.id === run.id && state.run.phase !== "idle");
  const { tone, text } = statusWords(run);
  // Most titles say it already.
  const named = [modelTitle, dataTitle].filter((name) => name !== "" && !title.includes(name));
  return (
    <li className="c-runs-row" data-status={status} data-shown={shown} data-alone={choosable === null}>
      {choosable !== null && (
        <label className="c-runs-choose">
          <input
            type="checkbox"
            checked={chosen}
            disabled={!choosable}
            aria-label={`Compare ${title}, ${dateWords(began, Date.now())}`}
            onChange={(event) => onChoose(event.target.checked)}
          />
        </label>
      )}
      <div className="c-runs-text">
        <div className="c-runs-head">
          <h3>{title}</h3>
          <Badge tone={tone}>{text}</Badge>
          {run.verdict && <Badge tone={VERDICT_WORDS[run.verdict].tone}>{VERDICT_WORDS[run.verdict].word}</Badge>}
          {shown && status !== "running" && <Badge tone="info">Shown above</Badge>}
        </div>
        <p className="k-soft k-small">{[...named, dateWords(began, Date.now())].join(" · ")}</p>
        <p className="k-small">{figureWords(run)}</p>
      </div>
      <RowActions run={run} shown={shown} />
    </li>
  );
}

function RowActions({ run, shown }: { readonly run: RunSummary; readonly shown: boolean }) {
  const { actions } = usePage();
  const held = useAppState((state) => holder(state) !== null);
  const [busy, setBusy] = useState<"show" | "go" | "file" | null>(null);
  const doing = (what: typeof busy, work: () => Promise<unknown>) => () => {
    setBusy(what);
    void work().finally(() => setBusy(null));
  };
  if (run.status === "running") return <div className="c-runs-actions" />;
  const goOn = run.resumable && run.status !== "finished";
  return (
    <div className="c-runs-actions">
      {goOn && (
        <Button
          icon="play"
          busy={busy === "go"}
          disabled={held}
          onPress={doing("go", () => actions.continueRun(run.id))}
        >
          Go on
        </Button>
      )}
      {run.usable && (
        <Button
          icon="download"
          busy={busy === "file"}
          onPress={doing("file", () => actions.saveRunFile(run.id, "mlx.zip"))}
        >
          Download adapter
        </Button>
      )}
      {!shown && (
        <Button
          kind="quiet"
          icon="eye"
          busy={busy === "show"}
          disabled={held}
          onPress={doing("show", () => actions.openRun(run.id))}
        >
          Show
        </Button>
      )}
      <DeleteButton run={run} disabled={held && shown} />
    </div>
  );
}

function DeleteButton({ run, disabled }: { readonly run: RunSummary; readonly disabled: boolean }) {
  const { actions } = usePage();
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const forget = async () => {
    setBusy(true);
    await actions.forgetRun(run.id);
    setBusy(false);
    setAsking(false);
  };
  const when = dateWords(run.began, Date.now());
  return (
    <>
      <IconButton
        label={`Delete ${run.title}, ${when}`}
        icon="trash"
        disabled={disabled}
        onPress={() => setAsking(true)}
      />
      <Dialog
        title={`Delete “${run.title}”?`}
        open={asking}
        onClose={() => setAsking(false)}
        actions={
          <>
            <Button onPress={() => setAsking(false)}>Keep it</Button>
            <Button kind="danger" busy={busy} onPress={() => void forget()}>
              Delete
            </Button>
          </>
        }
      >
        <p>
          Its adapter, curves, answers and checkpoint go, and {formatBytes(run.bytes)} come free. This cannot be undone.
          Files you have downloaded stay.
        </p>
      </Dialog>
    </>
  );
}
