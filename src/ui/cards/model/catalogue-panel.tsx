/**
 * The catalogue: what fits here as a group of radio cards, each with what it needs, and what does not as a list to unfold;
 * then one button that takes the picked one.
 */
import { useState } from "react";
import type { CatalogueRow } from "../../../worker/protocol.ts";
import { Badge } from "../../kit/badge.tsx";
import { Button } from "../../kit/button.tsx";
import { type Choice, ChoiceCards } from "../../kit/choice-cards.tsx";
import { Details } from "../../kit/details.tsx";
import { Explain } from "../../kit/explain.tsx";
import { SelectField } from "../../kit/fields.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { type CatalogueChoice, MEMORY_OPTIONS, memoryOf, othersWords, sortChoices } from "./choices.ts";
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
  const { here, others } = sortChoices(rows, kept);
  return (
    <div className="c-model-catalogue">
      <MemoryField locked={locked} />
      <ChoiceCards
        label="Models, the smallest download first"
        value={at}
        onChange={setPicked}
        choices={here.map(cardOf)}
        disabled={locked}
        explain={
          <Explain term="Memory">
            What training with short records takes at its peak, worked out by a dry run of one update. Longer records
            and larger batches take more; the Train card shows the sum for your data. Quantised to 4 bits a model takes
            little more than a quarter, so a far larger one fits; the adapter learns to work with what that loses.
          </Explain>
        }
      />
      {others.length > 0 && <Others choices={others} />}
      {row && (row.entry.id !== current || failed) && (
        <Picked row={row} locked={locked} onTaken={() => onBrowse(false)} />
      )}
    </div>
  );
}

/** What cannot be chosen, shortly, with the reason. */
function Others({ choices }: { readonly choices: readonly CatalogueChoice[] }) {
  return (
    <Details summary={othersWords(choices.length)}>
      <p className="k-small k-soft">Set the memory above if this computer has more.</p>
      <ul className="c-model-others">
        {choices.map(({ id, title, facts, disabled }) => (
          <li key={id}>
            <span className="c-model-others-title">{title}</span>
            <span className="k-small k-soft">{facts}</span>
            <span className="k-small k-soft">{disabled}</span>
          </li>
        ))}
      </ul>
    </Details>
  );
}

function cardOf(choice: CatalogueChoice): Choice {
  const { id, title, purpose, facts, badge, kept, gated } = choice;
  return {
    ...{ value: id, title, description: purpose, facts },
    badge: (
      <span className="c-model-badges">
        {kept && <Badge tone="neutral">{kept === "whole" ? "Kept here" : "Partly here"}</Badge>}
        {gated && <Badge tone="info">Gated</Badge>}
        {badge.tone !== "neutral" && <Badge tone={badge.tone}>{badge.text}</Badge>}
      </span>
    ),
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
