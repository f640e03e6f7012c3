/** An adapter that was made elsewhere, from files: onto the chosen model, and among the runs. */
import { useState } from "react";
import { Details } from "../../kit/details.tsx";
import { FileDrop } from "../../kit/file-drop.tsx";
import { Notice } from "../../kit/notice.tsx";
import { holder } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";

export function OpenAdapter() {
  const { actions } = usePage();
  const title = useAppState(({ model }) => (["known", "paused", "ready"].includes(model.phase) ? model.title : null));
  const held = useAppState((state) => holder(state) !== null);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <Details summary="Open an adapter you have">
      {title === null ? (
        <p className="k-soft">Choose the model it was trained on first, in the Model card.</p>
      ) : (
        <FileDrop
          label={`Drop an adapter for ${title} here`}
          hint="The folder of mlx-lm or PEFT, with adapter_config.json beside the .safetensors, or llama.cpp's .gguf. Nothing is uploaded."
          folder
          multiple
          busy={busy || held}
          onFiles={(files) => {
            setProblem(null);
            setBusy(true);
            void actions.openAdapter(files).finally(() => setBusy(false));
          }}
          onError={({ message }) => setProblem(message)}
        />
      )}
      {problem && (
        <Notice tone="bad" title="The files could not be read">
          <p>{problem}</p>
        </Notice>
      )}
    </Details>
  );
}
