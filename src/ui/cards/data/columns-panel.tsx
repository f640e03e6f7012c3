/** The columns of the files, and what each of them means; by hand where their names say nothing. */
import { useState } from "react";
import type { ColumnMapping } from "../../../worker/protocol.ts";
import { Button } from "../../kit/button.tsx";
import { Details } from "../../kit/details.tsx";
import { SelectField } from "../../kit/fields.tsx";
import { Notice } from "../../kit/notice.tsx";
import { useAppState, usePage } from "../../state/page.tsx";
import { mappingWords, ROLE_OPTIONS, shownMapping } from "./columns.ts";
import { listed, nothingUsable } from "./summary.ts";

export function ColumnsPanel({ locked }: { readonly locked: boolean }) {
  const columns = useAppState(({ data }) => data.columns);
  const mapping = useAppState(({ data }) => data.mapping);
  const proposal = useAppState(({ data }) => data.proposal);
  const guessed = useAppState(
    ({ data }) => data.needsMapping && data.mapping === data.proposal && data.mapping !== null,
  );
  const useless = useAppState(({ data }) => nothingUsable(data));
  if (columns.length === 0) return null;
  const names = listed(columns.map(({ name }) => name).slice(0, 8));
  const summary = mapping ? `Columns: ${mappingWords(mapping)}` : `Columns, used as detected: ${names}`;
  return (
    <>
      {guessed && (
        <Notice tone="warn" title="The names of the columns do not say what they mean">
          <p>This is a guess: {mappingWords(mapping!)}. Check it below against the records.</p>
        </Notice>
      )}
      <Details summary={summary} open={guessed || useless}>
        {/* Another file, or a mapping from elsewhere, begins anew. */}
        <ColumnsForm
          key={JSON.stringify([names, mapping])}
          shown={shownMapping(columns, mapping, proposal)}
          locked={locked}
        />
      </Details>
    </>
  );
}

function ColumnsForm({ shown, locked }: { readonly shown: ColumnMapping; readonly locked: boolean }) {
  const { actions } = usePage();
  const columns = useAppState(({ data }) => data.columns);
  const byHand = useAppState(({ data }) => data.mapping !== null);
  const needed = useAppState(({ data }) => (data.needsMapping ? data.proposal : null));
  const [draft, setDraft] = useState(shown);
  const changed = columns.some(({ name }) => draft[name] !== shown[name]);
  return (
    <div className="c-data-columns">
      <ul>
        {columns.map(({ name, example, kind }) => (
          <li key={name}>
            <SelectField
              label={name}
              value={draft[name] ?? "ignore"}
              options={ROLE_OPTIONS}
              onChange={(role) => setDraft({ ...draft, [name]: role })}
              disabled={locked}
            />
            <p className="c-data-example">
              <span className="k-soft">{kind}, for example </span>
              {example || "(empty)"}
            </p>
          </li>
        ))}
      </ul>
      <div className="k-row">
        <Button
          kind={changed ? "primary" : "plain"}
          disabled={locked || !changed}
          onPress={() => void actions.mapColumns(draft)}
        >
          Use these columns
        </Button>
        <Button disabled={locked || !byHand} onPress={() => void actions.mapColumns(needed)}>
          {needed ? "Back to the guess" : "Use as detected"}
        </Button>
      </div>
    </div>
  );
}
