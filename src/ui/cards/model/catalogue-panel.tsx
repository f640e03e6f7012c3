/** The catalogue as a group of radio cards, each with what it needs here; then one button that takes the picked one. */
import { useState } from "react";
import type { CatalogueRow } from "../../../worker/protocol.ts";
import { Badge } from "../../kit/badge.tsx";
import { Button } from "../../kit/button.tsx";
import { type Choice, ChoiceCards } from "../../kit/choice-cards.tsx";
import { Explain } from "../../kit/explain.tsx";
import { SelectField } from "../../kit/fields.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { type CatalogueChoice, catalogueChoice, MEMORY_OPTIONS, memoryOf } from "./choices.ts";
import { GatedSteps } from "./token-field.tsx";
import { useChoose } from "./use-choose.ts";

interface CataloguePanelProps {
  readonly locked: boolean;
  /** The list is open; else one line stands for it. */
  readonly browsing: boolean;
  readonly onBrowse: (open: boolean) => void;
}

export function CataloguePanel({ locked, browsing, onBrowse }: CataloguePanelProps) {
  const rows = useAppState((state) => state.catalogue);
  const kept = useAppState((state) => state.kept);
  const current = useAppState(({ model }) => (model.choice?.kind === "hub" ? model.choice.id : null));
  const failed = useAppState(({ model }) => model.phase === "failed");
  const [picked, setPicked] = useState<string | null>(null);
  if (!rows) return <p className="k-soft">Working out what each model needs on this computer…</p>;
  if (!browsing && rows.some(({ entry }) => entry.id === current)) {
    return (
      <div className="k-row">
        <Button disabled={locked} onPress={() => onBrowse(true)}>
          Choose another from the catalogue
        </Button>
      </div>
    );
  }
  const at = picked ?? current;
  const row = rows.find(({ entry }) => entry.id === at);
  return (
    <div className="c-model-catalogue">
      <MemoryField locked={locked} />
      <ChoiceCards
        label="Models, smallest first"
        value={at}
        onChange={setPicked}
        choices={rows.map((one) => cardOf(catalogueChoice(one, kept)))}
        disabled={locked}
        explain={
          <Explain term="Memory">
            What training with short records takes at its peak, worked out by a dry run of one update. Longer records
            and larger batches take more; the Train card shows the sum for your data.
          </Explain>
        }
      />
      {row && (row.entry.id !== current || failed) && (
        <Picked row={row} locked={locked} onTaken={() => onBrowse(false)} />
      )}
    </div>
  );
}

/** Without the badge that the reason below says in more words. */
function cardOf(choice: CatalogueChoice): Choice {
  const { id, title, purpose, facts, badge, kept, gated, disabled } = choice;
  return {
    ...{ value: id, title, description: purpose, facts },
    badge: (
      <span className="c-model-badges">
        {kept && <Badge tone="neutral">{kept === "whole" ? "Kept here" : "Partly here"}</Badge>}
        {gated && <Badge tone="info">Gated</Badge>}
        {badge.tone !== "neutral" && <Badge tone={badge.tone}>{badge.text}</Badge>}
      </span>
    ),
    ...(disabled !== null && { disabled }),
  };
}

function MemoryField({ locked }: { readonly locked: boolean }) {
  const { actions } = usePage();
  const memoryGB = useAppState((state) => state.memoryGB);
  return (
    <div className="c-model-memory">
      <SelectField
        label="Memory of this computer"
        description="Browsers tell little about it. On a Mac: Apple menu, About This Mac."
        value={memoryGB === null ? "" : String(memoryGB)}
        options={MEMORY_OPTIONS}
        onChange={(value) => void actions.setMemory(memoryOf(value))}
        disabled={locked}
      />
    </div>
  );
}

interface PickedProps {
  readonly row: CatalogueRow;
  readonly locked: boolean;
  readonly onTaken: () => void;
}

/** Licence and page of the picked model, and the button; it stays in view under the long list. */
function Picked({ row: { entry, page }, locked, onTaken }: PickedProps) {
  const choose = useChoose();
  const take = () => {
    choose({ kind: "hub", id: entry.id });
    onTaken();
  };
  return (
    <>
      {entry.gated && <GatedSteps page={page} />}
      <div className="c-model-picked">
        <p className="k-small">
          <a href={entry.licence.url} target="_blank" rel="noreferrer">
            {entry.licence.name}
          </a>
          {entry.licence.restriction && `: ${entry.licence.restriction}`} ·{" "}
          <a href={page} target="_blank" rel="noreferrer">
            Page on the Hub
          </a>
        </p>
        <Button kind="primary" disabled={locked} onPress={take}>
          {`Use ${entry.title}`}
        </Button>
      </div>
    </>
  );
}
