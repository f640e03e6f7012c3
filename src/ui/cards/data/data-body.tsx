/** The open Data card: where the data comes from, what it holds, what the doctor says, and records as the model sees them. */
import { useRef, useState } from "react";
import { Button } from "../../kit/button.tsx";
import { Details } from "../../kit/details.tsx";
import { Notice } from "../../kit/notice.tsx";
import { holder } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { nextCard } from "../next-card.ts";
import { ColumnsPanel } from "./columns-panel.tsx";
import { DataProblem, NoModel, Reading } from "./data-notices.tsx";
import { DoctorPanel } from "./doctor-panel.tsx";
import { findRow } from "./find-row.ts";
import { LengthsPanel } from "./lengths-panel.tsx";
import { Overview } from "./overview.tsx";
import { RecordView } from "./record-view.tsx";
import { RecordsTable } from "./records-table.tsx";
import { SourcePanel } from "./source-panel.tsx";
import "./data.css";

export function DataBody() {
  const { actions } = usePage();
  const phase = useAppState(({ data }) => data.phase);
  const usable = useAppState(({ data }) => data.diagnosis?.train.kept.length ?? 0);
  const examined = useAppState(({ data }) => data.diagnosis !== null);
  const held = useAppState(holder);
  const locked = held !== null;
  const [index, setIndex] = useState(0);
  const view = useRef<HTMLDivElement>(null);

  const openRecord = (at: number) => {
    setIndex(at);
    view.current?.focus();
  };
  const openLine = async (line: number) => {
    const found = await findRow(actions.dataRows, usable, line);
    if (found !== null) openRecord(found);
  };
  if (phase === "none") return <SourcePanel locked={locked} />;
  return (
    <>
      {held && <Notice tone="info" title={`${held} is using this data. Stop it, or wait for its end, to change it.`} />}
      <Reading />
      <DataProblem />
      {phase === "failed" ? (
        <SourcePanel locked={locked} />
      ) : (
        <Details summary="Use other data">
          <SourcePanel locked={locked} />
        </Details>
      )}
      {usable > 0 && <Overview />}
      <NoModel />
      <ColumnsPanel locked={locked} />
      {examined && <DoctorPanel onLine={openLine} />}
      {usable > 0 && (
        <>
          <RecordsTable total={usable} current={index} onOpen={openRecord} />
          <div className="c-data-view" ref={view} tabIndex={-1}>
            <RecordView index={Math.min(index, usable - 1)} total={usable} onIndex={setIndex} />
          </div>
          <LengthsPanel />
          <div className="k-row">
            <Button onPress={() => nextCard(actions, "data")}>Done</Button>
          </div>
        </>
      )}
    </>
  );
}
