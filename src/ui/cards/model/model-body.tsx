/** The open Model card: where the model comes from, what it is, what went wrong, and what is kept here. */
import { useEffect, useRef, useState } from "react";
import { ChoiceCards } from "../../kit/choice-cards.tsx";
import { Notice } from "../../kit/notice.tsx";
import { holder } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { CataloguePanel } from "./catalogue-panel.tsx";
import { SOURCES, type Source, sourceOf } from "./choices.ts";
import { ChosenModel } from "./chosen-model.tsx";
import { FolderPanel } from "./folder-panel.tsx";
import { HubPanel } from "./hub-panel.tsx";
import { KeptModels } from "./kept-models.tsx";
import { ModelProblem } from "./model-problem.tsx";
import { useChoose } from "./use-choose.ts";
import "./model.css";

export function ModelBody() {
  const model = useAppState((state) => state.model);
  const catalogue = useAppState((state) => state.catalogue);
  const held = useAppState(holder);
  const locked = held !== null;
  const [shown, setShown] = useState<Source | null>(null);
  const [browsing, setBrowsing] = useState(false);
  const outcome = useRef<HTMLDivElement>(null);
  const choose = useChoose();
  const keptRef = useRef<HTMLDivElement>(null);
  useFreshLists();

  const chosen = sourceOf(model.choice, catalogue);
  const source = shown ?? chosen;
  // While somebody looks for another model, the one at hand steps back; its download does not.
  const exploring = (source !== chosen || browsing) && ["none", "known", "ready"].includes(model.phase);
  const show = (wanted: string) => {
    const next = SOURCES.find(({ value }) => value === wanted)?.value ?? "demo";
    setShown(next);
    setBrowsing(false);
    if (next === "demo" && model.choice?.kind !== "demo") choose({ kind: "demo" });
  };
  const browse = (open: boolean) => {
    setBrowsing(open);
    // The button that was pressed goes away with its list.
    if (open) return;
    setShown(null);
    outcome.current?.focus();
  };
  const openSource = (wanted: Source) => {
    setShown(wanted);
    setBrowsing(wanted === "catalogue");
  };
  const showKept = () => {
    const details = keptRef.current?.querySelector("details");
    if (details) details.open = true;
    details?.querySelector("summary")?.focus();
  };
  return (
    <>
      {held && (
        <Notice tone="info" title={`${held} is using this model. Stop it, or wait for its end, to choose another.`} />
      )}
      <ChoiceCards
        label="Where the model comes from"
        {...{ value: source, onChange: show, choices: SOURCES }}
        disabled={locked}
      />
      {source === "catalogue" && <CataloguePanel {...{ locked, browsing }} onBrowse={browse} />}
      {source === "hub" && <HubPanel locked={locked} onTaken={() => setShown(null)} />}
      {source === "folder" && <FolderPanel locked={locked} onTaken={() => setShown(null)} />}
      <div className="c-model-outcome" ref={outcome} tabIndex={-1}>
        <ModelProblem onSource={openSource} onFreeSpace={showKept} />
        {!exploring && <ChosenModel locked={locked} onFreeSpace={showKept} />}
      </div>
      <div ref={keptRef}>
        <KeptModels locked={locked} onUse={() => setShown(null)} />
      </div>
    </>
  );
}

/** Asks for catalogue and kept models when the engine is there, and again when a download has come to rest. */
function useFreshLists(): void {
  const { actions } = usePage();
  const opened = useAppState((state) => state.opening !== null);
  const resting = useAppState(({ model }) =>
    ["ready", "paused", "failed"].includes(model.phase) ? model.phase : null,
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: `resting` is the occasion, not an input.
  useEffect(() => {
    if (opened) void actions.refreshModels();
  }, [actions, opened, resting]);
}
