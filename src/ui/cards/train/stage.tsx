/** The stage: the loss curve with the answers beside it, the strip of small curves, the log. */
import { useMemo } from "react";
import { Details } from "../../kit/details.tsx";
import { LogView } from "../../kit/log-view.tsx";
import type { LogLine } from "../../state/app-state.ts";
import { useAppState } from "../../state/page.tsx";
import { Answers } from "./answers.tsx";
import { LossChart, SmallCharts } from "./charts.tsx";
import { GoodFindings, Problems } from "./findings-part.tsx";
import { HealthNotices } from "./health-notices.tsx";
import "./stage.css";

/** `onChange`: a setting was changed for the next run. */
export function Stage({ onChange }: { readonly onChange: () => void }) {
  return (
    <>
      <HealthNotices />
      <Problems onChange={onChange} />
      <div className="c-train-stage">
        <LossChart />
        <Answers />
      </div>
      <SmallCharts />
      <GoodFindings />
      <Log />
    </>
  );
}

function Log() {
  const log = useAppState((state) => state.log);
  const lines = useMemo(() => log.map(lineText), [log]);
  if (log.length === 0) return null;
  return (
    <Details
      summary={
        <span>
          Log<span className="k-soft"> · {log.at(-1)?.text}</span>
        </span>
      }
    >
      <LogView label="Log of this run" lines={lines} />
    </Details>
  );
}

const MARKS = { neutral: "", good: "✓ ", warn: "! ", bad: "✗ " } as const;
const lineText = ({ time, text, tone }: LogLine) => `${new Date(time).toLocaleTimeString()}  ${MARKS[tone]}${text}`;
