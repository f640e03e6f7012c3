/** A model that lies on this computer: a folder as the Hub has it. */
import { useState } from "react";
import { FileDrop } from "../../kit/file-drop.tsx";
import { Notice } from "../../kit/notice.tsx";
import { useAppState } from "../../state/page.tsx";
import { folderName } from "./choices.ts";
import { useChoose } from "./use-choose.ts";

interface FolderPanelProps {
  readonly locked: boolean;
  readonly onTaken: () => void;
}

export function FolderPanel({ locked, onTaken }: FolderPanelProps) {
  const reading = useAppState(({ model }) => model.phase === "reading");
  const [problem, setProblem] = useState<string | null>(null);
  const choose = useChoose();
  return (
    <>
      <FileDrop
        label="Drop a model's folder here"
        hint="With config.json, tokenizer.json and the weights as .safetensors. It is read where it is; nothing is uploaded."
        folder
        multiple
        busy={reading || locked}
        onFiles={(files) => {
          setProblem(null);
          choose({ kind: "folder", name: folderName(files) }, files);
          onTaken();
        }}
        onError={({ message }) => setProblem(message)}
      />
      {problem && (
        <Notice tone="bad" title="The folder could not be read">
          <p>{problem}</p>
          <p>Choose it with the button instead.</p>
        </Notice>
      )}
    </>
  );
}
