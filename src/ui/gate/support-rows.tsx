/** All that was found out about this browser: limits, self-tests, storage. */
import type { Opening, SelfTestResult, SupportRow } from "../../worker/protocol.ts";
import { DataTable } from "../kit/data-table.tsx";
import { Icon, type IconName } from "../kit/icon.tsx";
import { errorWords, hereWords, neededWords, passedTests, rowState, storageWords, timeWords } from "./gate-text.ts";

const STATES: Readonly<Record<ReturnType<typeof rowState>, { readonly icon: IconName; readonly word: string }>> = {
  met: { icon: "check", word: "Enough" },
  missing: { icon: "cross", word: "Too little" },
  without: { icon: "minus", word: "Missing, not needed" },
};

export function SupportRows({ opening }: { readonly opening: Opening }) {
  const { support, environment, selfTests, storage } = opening;
  return (
    <div className="c-gate-rows">
      <DataTable
        caption="What training needs of this browser"
        height={40}
        rows={[...support.rows, ...environment]}
        rowKey={({ name }) => name}
        columns={[
          { key: "name", title: "Offered", render: (row) => <Named row={row} /> },
          { key: "value", title: "Here", numeric: true, render: (row) => <Here row={row} /> },
          { key: "needed", title: "Needed", numeric: true, render: neededWords },
        ]}
      />
      <p className="k-soft">{storageWords(storage)}</p>
      {selfTests.length > 0 && (
        <DataTable
          caption={`Self-test against the processor: ${passedTests(selfTests)}`}
          height={40}
          rows={selfTests}
          rowKey={({ name }) => name}
          columns={[
            { key: "name", title: "Computed", render: (test) => <Tested test={test} /> },
            { key: "passed", title: "Result", numeric: true, render: (test) => <Result passed={test.passed} /> },
            { key: "error", title: "Largest error", numeric: true, render: errorWords },
            { key: "milliseconds", title: "Time", numeric: true, render: timeWords },
          ]}
        />
      )}
    </div>
  );
}

/** What the case guards, and where it failed. */
function Tested({ test: { name, guards, passed, evidence } }: { readonly test: SelfTestResult }) {
  return (
    <div className="c-gate-named">
      {name}
      <span className="k-soft k-small">{guards}</span>
      {!passed && <span className="k-small">{evidence}</span>}
    </div>
  );
}

function Result({ passed }: { readonly passed: boolean }) {
  return (
    <span className="c-gate-here" data-state={passed ? "met" : "missing"}>
      <Icon name={passed ? "check" : "cross"} /> {passed ? "Right" : "Wrong"}
    </span>
  );
}

function Named({ row: { name, meaning } }: { readonly row: SupportRow }) {
  return (
    <div className="c-gate-named">
      {name}
      <span className="k-soft k-small">{meaning}</span>
    </div>
  );
}

function Here({ row }: { readonly row: SupportRow }) {
  const state = rowState(row);
  return (
    <span className="c-gate-here" data-state={state}>
      <Icon name={STATES[state].icon} label={STATES[state].word} /> {hereWords(row)}
    </span>
  );
}
