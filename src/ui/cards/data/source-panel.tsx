/** Where the data comes from: dropped or chosen files, or the sample in one click. */
import { useState } from "react";
import { Button } from "../../kit/button.tsx";
import { FileDrop } from "../../kit/file-drop.tsx";
import { Notice } from "../../kit/notice.tsx";
import { useAppState, usePage } from "../../state/page.tsx";

const ACCEPT = ".jsonl,.ndjson,.json,.csv,.tsv,.tab,.parquet,.txt";

export function SourcePanel({ locked }: { readonly locked: boolean }) {
  const { actions } = usePage();
  const sample = useAppState(({ data }) => data.source === "sample" && data.phase !== "failed");
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <div className="c-data-source">
      <FileDrop
        label="Drop your data here"
        hint="JSON lines, JSON, CSV, TSV or Parquet. A second file named valid, validation or test is kept apart to validate on. It is read in this tab; nothing is uploaded."
        accept={ACCEPT}
        multiple
        busy={locked}
        onFiles={(files) => {
          setProblem(null);
          void actions.openData(files);
        }}
        onError={({ message }) => setProblem(message)}
      />
      {problem && (
        <Notice tone="bad" title="The files could not be read">
          <p>{problem}</p>
          <p>Choose them with the button instead.</p>
        </Notice>
      )}
      {!sample && (
        <div className="k-row">
          <Button disabled={locked} onPress={() => void actions.openSample()}>
            Use the sample dataset
          </Button>
          <span className="k-soft k-small">Short questions with answers, made for the built-in demo.</span>
        </div>
      )}
    </div>
  );
}
