/** At the top of the card while a mix stands: what the tuned answers come from, and the way back. */
import { Button } from "../../kit/button.tsx";
import { ErrorNotice, Notice } from "../../kit/notice.tsx";
import { useAppState } from "../../state/page.tsx";
import type { MemoryProps } from "./memory.ts";
import { mixLines } from "./mix.ts";
import { useMixing } from "./use-mixing.ts";

export function MixNotice({ onMemory }: Pick<MemoryProps, "onMemory">) {
  const mix = useAppState((state) => state.mix);
  const shown = useAppState((state) => state.run.id);
  const { busy, error, held, mix: ask } = useMixing();
  if (!mix || shown === null) return null;
  const back = async () => {
    if (await ask([{ id: shown, weight: 1 }])) onMemory({ mix: null });
  };
  return (
    <>
      {error && <ErrorNotice title="The adapter could not be put back" error={error} />}
      <Notice
        tone="info"
        title="Tuned answers come from a mix"
        actions={
          <Button busy={busy} disabled={held !== null} onPress={() => void back()}>
            Back to the adapter alone
          </Button>
        }
      >
        <ul>
          {mixLines(mix.parts, Date.now()).map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      </Notice>
    </>
  );
}
