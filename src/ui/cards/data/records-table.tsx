/** The records that are kept, a page at a time; each opens below as the model sees it. */
import { useEffect, useState } from "react";
import { formatCount } from "../../../core/units.ts";
import type { RecordRow } from "../../../worker/protocol.ts";
import { IconButton } from "../../kit/button.tsx";
import { Section } from "../../kit/card.tsx";
import { type Column, DataTable } from "../../kit/data-table.tsx";
import { pageOf } from "../../kit/pages.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { formName } from "./summary.ts";

const PAGE = 20;
/** Worth a column where not all records have the same. */
const FORM: Column<Indexed> = {
  ...{ key: "form", title: "Form" },
  render: ({ form }) => <span className="c-data-form">{formName(form)}</span>,
};

interface RecordsTableProps {
  readonly total: number;
  /** The record that is open below. */
  readonly current: number;
  readonly onOpen: (index: number) => void;
}

interface Indexed extends RecordRow {
  readonly index: number;
}

export function RecordsTable({ total, current, onOpen }: RecordsTableProps) {
  const [wanted, setWanted] = useState(0);
  const { index, count, from, to } = pageOf(total, PAGE, wanted);
  const rows = useRows(from, to - from);
  const mixed = useAppState(({ data }) => Object.values(data.diagnosis?.train.forms ?? {}).filter(Boolean).length > 1);
  // The page follows the record that is open.
  useEffect(() => setWanted(Math.floor(current / PAGE)), [current]);
  const columns: readonly Column<Indexed>[] = [
    {
      key: "line",
      title: "Line",
      numeric: true,
      render: (row) => (
        <button
          type="button"
          className="c-data-link c-data-row"
          aria-label={`Open the record of line ${row.line}`}
          aria-current={row.index === current}
          onClick={() => onOpen(row.index)}
        >
          {formatCount(row.line)}
        </button>
      ),
    },
    ...(mixed ? [FORM] : []),
    { key: "prompt", title: "Asked", render: ({ prompt }) => <Cut text={prompt} /> },
    { key: "answer", title: "Answer", render: ({ answer }) => <Cut text={answer} /> },
  ];
  return (
    <Section title="Records">
      <div className="c-data-records">
        <DataTable
          caption="Press a line to see the record as the model sees it"
          columns={columns}
          rows={rows}
          rowKey={(row) => row.index}
          page={PAGE}
          height={18}
          empty="Fetching…"
        />
      </div>
      {count > 1 && (
        <div className="c-data-pages">
          <span role="status">
            {formatCount(from + 1)}–{formatCount(to)} of {formatCount(total)}
          </span>
          <IconButton
            label="Earlier records"
            icon="chevron-left"
            disabled={index === 0}
            onPress={() => setWanted(index - 1)}
          />
          <IconButton
            label="Later records"
            icon="chevron-right"
            disabled={index === count - 1}
            onPress={() => setWanted(index + 1)}
          />
        </div>
      )}
    </Section>
  );
}

function Cut({ text }: { readonly text: string }) {
  return <span className="c-data-cut">{text || "–"}</span>;
}

/** Rows of one page; those before stay until they are here. */
function useRows(offset: number, count: number): readonly Indexed[] {
  const { actions } = usePage();
  const diagnosis = useAppState(({ data }) => data.diagnosis);
  const [rows, setRows] = useState<readonly Indexed[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another diagnosis means other rows.
  useEffect(() => {
    let late = false;
    actions.dataRows(offset, count).then(
      (found) => {
        if (!late) setRows(found.map((row, i) => ({ ...row, index: offset + i })));
      },
      () => {
        if (!late) setRows([]); // the data is being read anew, and will be here again
      },
    );
    return () => {
      late = true;
    };
  }, [actions, diagnosis, offset, count]);
  return rows;
}
