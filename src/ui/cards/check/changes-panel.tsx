/** What the adapter changed: a grid of modules and blocks, measured when it is shown. */
import { useEffect, useState } from "react";
import { formatCount, formatSetting } from "../../../core/units.ts";
import type { AdapterAudit } from "../../../worker/protocol.ts";
import { Button } from "../../kit/button.tsx";
import { HeatGrid } from "../../kit/charts/heat-grid.tsx";
import { Explain } from "../../kit/explain.tsx";
import { Facts } from "../../kit/facts.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { changeGrid, changeText } from "./changes.ts";

/** null: it is being measured; false: it could not be. */
export function Changes() {
  const { actions } = usePage();
  const id = useAppState((state) => state.run.id);
  const [audit, setAudit] = useState<AdapterAudit | null | false>(null);
  const [turn, setTurn] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another run or another turn is another adapter to measure.
  useEffect(() => {
    let current = true;
    setAudit(null);
    void actions.audit().then((found) => current && setAudit(found ?? false));
    return () => {
      current = false;
    };
  }, [actions, id, turn]);
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

function Measured({ audit }: { readonly audit: AdapterAudit }) {
  const grid = changeGrid(audit);
  return (
    <div className="c-check-changes">
      {grid.rows.length > 0 ? (
        <HeatGrid title="Size of each layer's change" {...grid} format={changeText} columnWord="block" />
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

function SizeExplained() {
  return (
    <Explain term="the size of a change">
      A layer's weights W become W + scale · B · A. Shown is the length of what is added: the root of the sum of its
      squares. A layer with larger matrices reaches larger values.
    </Explain>
  );
}
