/** Any model on the Hub: its name or address, a revision, and a token where one is needed. */
import { type SyntheticEvent, useState } from "react";
import { Button } from "../../kit/button.tsx";
import { Details } from "../../kit/details.tsx";
import { Explain } from "../../kit/explain.tsx";
import { TextField } from "../../kit/fields.tsx";
import { useAppState } from "../../state/page.tsx";
import { TokenField } from "./token-field.tsx";
import { useChoose } from "./use-choose.ts";

/** Where "Change the name" leads. */
export const HUB_FIELD = "c-model-hub-id";

interface HubPanelProps {
  readonly locked: boolean;
  readonly onTaken: () => void;
}

export function HubPanel({ locked, onTaken }: HubPanelProps) {
  const current = useAppState(({ model }) => (model.choice?.kind === "hub" ? model.choice : null));
  const reading = useAppState(({ model }) => model.phase === "reading");
  const [id, setId] = useState(current?.id ?? "");
  const [revision, setRevision] = useState(current?.revision ?? "");
  const choose = useChoose();
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (locked || reading || id.trim() === "") return;
    choose({ kind: "hub", id: id.trim(), ...(revision.trim() && { revision: revision.trim() }) });
    onTaken();
  };
  return (
    <form className="c-model-hub" onSubmit={submit}>
      <div className="c-model-hub-fields">
        <div id={HUB_FIELD}>
          <TextField
            label="Name or address"
            description="For example HuggingFaceTB/SmolLM2-135M-Instruct, or the address of its page."
            value={id}
            onChange={setId}
            placeholder="owner/name"
            disabled={locked}
            mono
          />
        </div>
        <TextField
          label="Revision"
          description="Optional: a branch, tag or commit."
          value={revision}
          onChange={setRevision}
          placeholder="main"
          disabled={locked}
          mono
          explain={
            <Explain term="Revision">
              A state of the model's files. A commit never changes, so a run can be repeated exactly; a branch such as
              main moves on.
            </Explain>
          }
        />
      </div>
      <Details summary="Access token, for gated and private models">
        <TokenField />
      </Details>
      <div className="k-row">
        <Button
          type="submit"
          kind={id.trim() === current?.id ? "plain" : "primary"}
          busy={reading}
          disabled={locked || id.trim() === ""}
        >
          Look it up
        </Button>
        <span className="k-soft k-small">Reads a few files; the weights are downloaded when you say so.</span>
      </div>
    </form>
  );
}
