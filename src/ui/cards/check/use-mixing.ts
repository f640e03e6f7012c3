/** Asks for a mix, and holds why it was refused. */
import { useState } from "react";
import type { ErrorData } from "../../../core/errors.ts";
import type { MixPart } from "../../../worker/protocol.ts";
import { errorData } from "../../state/actions.ts";
import { useAppState, usePage } from "../../state/page.tsx";

export function useMixing() {
  const { actions } = usePage();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<ErrorData | null>(null);
  /** What has the model meanwhile; null: nothing. */
  const held = useAppState(({ answering, trial }) => {
    if (answering !== null) return "An answer is being written.";
    return trial.on === null ? null : "A trial is under way.";
  });
  /** True when it is on the model. */
  const mix = async (parts: readonly MixPart[]): Promise<boolean> => {
    setBusy(true);
    setError(null);
    const failure = await actions.mixAdapters(parts).then(() => null, errorData);
    setBusy(false);
    setError(failure);
    return failure === null;
  };
  return { busy, error, held, mix };
}
