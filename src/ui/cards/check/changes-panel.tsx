/** What the adapter changed: a grid of modules and blocks, measured when it is shown. */
import { useEffect, useState } from "react";
import { formatCount, formatNumber, formatSetting } from "../../../core/units.ts";
import type { AdapterAudit } from "../../../worker/protocol.ts";
import { Button } from "../../kit/button.tsx";
import { HeatGrid } from "../../kit/charts/heat-grid.tsx";
import { DataTable } from "../../kit/data-table.tsx";
import { Explain } from "../../kit/explain.tsx";
import { Facts } from "../../kit/facts.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { changeGrid, changeText, markOf, markWords } from "./changes.ts";

/** null: it is being measured; false: it could not be. */
export function Changes() {
  const { actions } = usePage();
  const id = useAppState((state) => state.run.id);
  const mix = useAppState((state) => state.mix);
  const [audit, setAudit] = useState<AdapterAudit | null | false>(null);
  const [turn, setTurn] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another run, mix or turn is another adapter to measure.
  useEffect(() => {
    let current = true;
    setAudit(null);
    void actions.audit().then((found) => current && setAudit(found ?? false));
    return () => {
      current = false;
    };
  }, [actions, id, mix, turn]);
  if (audit === null) return <p className="k-soft">Measuring every layer…</p>;
  if (audit === false)
    return (
      <div className="k-row">
        <p className="k-soft">It could not be measured.</p>
        <Button icon="refresh" onPress={() => setTurn(turn + 1)}>
          Try again
        </Button>
      </div>
    );
  return <Measured audit={audit} />;
}

/** Signs on cells, so that colour is not alone. */
const MARKS = [
  { id: "not-finite", glyph: "!", label: "not finite" },
  { id: "zero", glyph: "0", label: "zero" },
  { id: "outlier", glyph: "▲", label: "outlier" },
];

function Measured({ audit }: { readonly audit: AdapterAudit }) {
  const grid = changeGrid(audit);
  const shared = {
    ...{ rows: grid.rows, columns: grid.columns, columnWord: "block", marks: MARKS },
    ...{ mark: grid.mark, words: grid.words },
  };
  return (
    <div className="c-check-changes">
      {grid.rows.length > 0 ? (
        <>
          <HeatGrid
            {...{ ...shared, title: "Size of each layer's change", value: grid.value, summary: grid.summary }}
            format={changeText}
            table={() => <LayerTable audit={audit} />}
          />
          <HeatGrid
            {...{ ...shared, title: "Directions in use", value: grid.rank, summary: grid.rankSummary }}
            format={(value) => formatNumber(value, 2)}
            table={() => <LayerTable audit={audit} />}
          />
        </>
      ) : (
        <p>{grid.summary}</p>
      )}
      <Facts
        columns={3}
        facts={[
          { name: "Layers", value: formatCount(audit.layers) },
          { name: "Trained numbers", value: formatCount(audit.parameters) },
          { name: "Rank", value: `${audit.rank}, scale ${formatSetting(audit.scale)}`, explain: <SizeExplained /> },
        ]}
      />
    </div>
  );
}

type Factor = AdapterAudit["factors"][number];

const COLUMNS = [
  { key: "module", title: "Layer", render: ({ module }: Factor) => module },
  ...[
    { key: "size", title: "Size of the change", value: ({ norm_delta }: Factor) => norm_delta },
    { key: "stretch", title: "Largest singular value", value: ({ spectral_norm }: Factor) => spectral_norm },
    { key: "rank", title: "Directions in use", value: ({ effective_rank }: Factor) => effective_rank },
  ].map(({ value, ...column }) => ({
    ...{ ...column, numeric: true },
    render: (factor: Factor) => (Number.isFinite(value(factor)) ? changeText(value(factor)) : "–"),
  })),
  { key: "mark", title: "Of note", render: (factor: Factor) => markWords(markOf(factor)) },
];

function LayerTable({ audit }: { readonly audit: AdapterAudit }) {
  return (
    <DataTable
      caption="Every layer of the adapter"
      columns={COLUMNS}
      rows={audit.factors}
      rowKey={({ module }) => module}
      height={20}
    />
  );
}

function SizeExplained() {
  return (
    <Explain term="the size of a change">
      A layer's weights W become W + scale · B · A. Shown is the length of what is added: the root of the sum of its
      squares. A layer with larger matrices reaches larger values. Directions in use count how many of the rank's
      directions carry the change (the effective rank); an outlier is a layer whose size lies far from that of its kind
      in the other blocks.
    </Explain>
  );
}
