/** The mix as an adapter to take away: exact, or cut to a smaller rank, with what that leaves out. */
import { useEffect, useState } from "react";
import type { ErrorData } from "../../../core/errors.ts";
import { formatBytes } from "../../../core/units.ts";
import type { MixFile, MixLoss, MixState } from "../../../worker/protocol.ts";
import { Button } from "../../kit/button.tsx";
import { Section } from "../../kit/card.tsx";
import { Explain } from "../../kit/explain.tsx";
import { SwitchField } from "../../kit/fields.tsx";
import { ErrorNotice } from "../../kit/notice.tsx";
import { NumberField } from "../../kit/number-field.tsx";
import { errorData } from "../../state/actions.ts";
import { usePage } from "../../state/page.tsx";
import { lossWords } from "./mix.ts";

const FILES: readonly (readonly [MixFile, string])[] = [
  ["mlx.zip", "Download the mix for mlx-lm (zip)"],
  ["peft.zip", "Download the mix for PEFT (zip)"],
];

export function MixDownload({ mix }: { readonly mix: MixState }) {
  /** null: none */
  const [limit, setLimit] = useState<number | null>(null);
  const { loss, error } = useLoss(limit);
  const save = useSave(limit);
  const failed = error ?? save.error;
  return (
    <Section
      title="Take the mix away"
      explain={
        <Explain term="the rank of a mix">
          Adapters side by side are their exact sum, and their ranks add up. A limit keeps the largest directions of
          each layer's change (its truncated SVD) for a smaller file that runs faster. Answers above come from the exact
          sum all the same.
        </Explain>
      }
    >
      {mix.rank > 1 && (
        <div className="c-check-options">
          <SwitchField
            label="Limit its rank"
            value={limit !== null}
            onChange={(on) => setLimit(on ? Math.min(mix.largest, mix.rank - 1) : null)}
          />
          {limit !== null && (
            <NumberField
              {...{ label: "Rank", min: 1, max: mix.rank, integer: true, value: limit, onChange: setLimit }}
            />
          )}
        </div>
      )}
      <p role="status">
        {loss
          ? `${lossWords(loss, mix.rank)} About ${formatBytes(loss.bytes)}.`
          : error
            ? ""
            : "Measuring every layer…"}
      </p>
      {failed && <ErrorNotice title="The file could not be made" error={failed} />}
      <div className="k-row">
        {FILES.map(([file, words]) => (
          <Button
            key={file}
            icon={save.done === file ? "check" : "download"}
            busy={save.busy === file}
            disabled={save.busy !== null && save.busy !== file}
            onPress={() => save.begin(file)}
          >
            {words}
          </Button>
        ))}
      </div>
      <p className="k-soft k-small">
        With the adapter's two files, and mix.json, which says what it was made of. The Download card keeps to this
        run's adapter alone.
      </p>
    </Section>
  );
}

/** `loss` is null while it is measured. */
function useLoss(rank: number | null) {
  const { actions } = usePage();
  const [found, setFound] = useState<{ readonly loss: MixLoss | null; readonly error: ErrorData | null }>(NOT_YET);
  useEffect(() => {
    let current = true;
    setFound(NOT_YET);
    actions.mixLoss(rank).then(
      (loss) => current && setFound({ loss, error: null }),
      (error) => current && setFound({ loss: null, error: errorData(error) }),
    );
    return () => {
      current = false;
    };
  }, [actions, rank]);
  return found;
}

const NOT_YET = { loss: null, error: null };

function useSave(rank: number | null) {
  const { actions } = usePage();
  const [busy, setBusy] = useState<MixFile | null>(null);
  const [done, setDone] = useState<MixFile | null>(null);
  const [error, setError] = useState<ErrorData | null>(null);
  const save = async (file: MixFile) => {
    setBusy(file);
    setDone(null);
    const failure = await actions.saveMixFile(file, rank).then(() => null, errorData);
    setBusy(null);
    setError(failure);
    if (failure === null) setDone(file);
  };
  return { busy, done, error, begin: (file: MixFile) => void save(file) };
}
