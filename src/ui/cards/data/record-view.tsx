/** One record as the model sees it: the template's text, token by token, coloured by whether it carries loss. */
import { useEffect, useMemo, useState } from "react";
import type { ErrorData } from "../../../core/errors.ts";
import { formatCount } from "../../../core/units.ts";
import type { ExamplePreview } from "../../../worker/protocol.ts";
import { IconButton } from "../../kit/button.tsx";
import { Section } from "../../kit/card.tsx";
import { Details } from "../../kit/details.tsx";
import { Explain } from "../../kit/explain.tsx";
import { ErrorNotice, Notice } from "../../kit/notice.tsx";
import { TokenText } from "../../kit/token-text.tsx";
import { errorData } from "../../state/actions.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { cutCount, cutText, tokensOf, tokenWords } from "./pieces.ts";

interface RecordViewProps {
  readonly index: number;
  readonly total: number;
  readonly onIndex: (index: number) => void;
}

export function RecordView({ index, total, onIndex }: RecordViewProps) {
  const { preview, error, blocked } = usePreview(index);
  return (
    <Section
      title="As the model sees it"
      explain={
        <Explain term="As the model sees it">
          The chat template of the model turns a record into one text, with marks for who speaks; the tokenizer cuts it
          into tokens. Marked tokens carry loss: training teaches the model to say them.
        </Explain>
      }
      actions={
        <>
          <span className="k-soft k-small" role="status">
            {preview && `Line ${formatCount(preview.line)}: `}record {formatCount(index + 1)} of {formatCount(total)}
          </span>
          <IconButton
            label="Previous record"
            icon="chevron-left"
            disabled={index === 0}
            onPress={() => onIndex(index - 1)}
          />
          <IconButton
            label="Next record"
            icon="chevron-right"
            disabled={index >= total - 1}
            onPress={() => onIndex(index + 1)}
          />
        </>
      }
    >
      {blocked && (
        <Notice tone="info" title="A setting in the Train card is not right yet; records show again once it is" />
      )}
      {error && <ErrorNotice title="This record cannot be shown" error={error} />}
      {preview && <Rendered preview={preview} />}
    </Section>
  );
}

function Rendered({ preview }: { readonly preview: ExamplePreview }) {
  const tokens = useMemo(() => tokensOf(preview), [preview]);
  const cut = cutCount(preview);
  return (
    <>
      <TokenText label={`Line ${preview.line}: ${tokenWords(preview)}`} tokens={tokens} />
      {cut > 0 && (
        <Notice tone="warn" title={`Cut here: ${formatCount(cut)} more tokens are over the sequence limit`}>
          <Details summary="What is cut off">
            <pre className="c-data-rest">{cutText(preview)}</pre>
          </Details>
        </Notice>
      )}
    </>
  );
}

interface Shown {
  readonly preview: ExamplePreview | null;
  readonly error: ErrorData | null;
}

/** Asks when the record, the data or a knob that matters changes; the one before stays until then. */
function usePreview(index: number): Shown & { readonly blocked: boolean } {
  const { actions } = usePage();
  const diagnosis = useAppState(({ data }) => data.diagnosis);
  const knobs = useAppState(({ config }) => config && `${config.maxSeqLength} ${config.maskPrompt}`);
  const [shown, setShown] = useState<Shown>({ preview: null, error: null });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the engine knows the data and gets the knobs by itself.
  useEffect(() => {
    let late = false;
    const show = (next: Shown) => {
      if (!late) setShown(next);
    };
    actions.previewRecord(index).then(
      (preview) => show({ preview, error: null }),
      (error: unknown) => show({ preview: null, error: errorData(error) }),
    );
    return () => {
      late = true;
    };
  }, [actions, diagnosis, knobs, index]);
  return { ...shown, blocked: knobs === null };
}
