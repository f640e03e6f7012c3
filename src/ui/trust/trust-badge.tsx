/** The badge beside the title: that everything stays in this tab, opening to the list that shows it. */
import { lazy, Suspense, useState } from "react";
import { Button } from "../kit/button.tsx";
import { Dialog } from "../kit/dialog.tsx";
import { useAppState } from "../state/page.tsx";
import { trustLabel } from "./requests.ts";

const TrustPanel = lazy(async () => ({ default: (await import("./trust-panel.tsx")).TrustPanel }));

export function TrustBadge() {
  const [open, setOpen] = useState(false);
  const label = useAppState((state) => trustLabel(state.requests));
  return (
    // A dialog's header outside any section would be a second banner of the page.
    <section>
      <Button kind="quiet" icon="lock" onPress={() => setOpen(true)}>
        {label}
      </Button>
      <Dialog title={label} open={open} onClose={() => setOpen(false)}>
        <Suspense fallback={<p className="k-soft">Opening…</p>}>
          <TrustPanel />
        </Suspense>
      </Dialog>
    </section>
  );
}
