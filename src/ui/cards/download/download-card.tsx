/** The Download card: one line while closed; its contents are fetched when it is first opened. */
import { lazy, Suspense } from "react";
import { Card } from "../../kit/card.tsx";
import { isOpen } from "../../state/app-state.ts";
import { useAppState, usePage } from "../../state/page.tsx";
import { downloadCardState, downloadSummary } from "./files.ts";

const DownloadBody = lazy(async () => ({ default: (await import("./download-body.tsx")).DownloadBody }));

export function DownloadCard() {
  const { actions } = usePage();
  const open = useAppState((state) => isOpen(state, "download"));
  const cardState = useAppState(downloadCardState);
  const summary = useAppState(downloadSummary);
  return (
    <Card
      id="download"
      title="Download"
      state={cardState}
      summary={summary}
      open={open}
      onToggle={(wanted) => actions.toggleCard("download", wanted)}
    >
      <Suspense fallback={<p className="k-soft">Opening…</p>}>
        <DownloadBody />
      </Suspense>
    </Card>
  );
}
