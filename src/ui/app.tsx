/** The page: gate, cards from top to bottom, and the rail that says where one is. */
import { useEffect } from "react";
import { CheckCard } from "./cards/check/check-card.tsx";
import { DataCard } from "./cards/data/data-card.tsx";
import { DownloadCard } from "./cards/download/download-card.tsx";
import { ModelCard } from "./cards/model/model-card.tsx";
import { InterruptedNotice } from "./cards/runs/interrupted-notice.tsx";
import { RunsCard } from "./cards/runs/runs-card.tsx";
import { TrainCard } from "./cards/train/train-card.tsx";
import { SupportGate } from "./gate/support-gate.tsx";
import { Boundary } from "./kit/boundary.tsx";
import { PageFrame } from "./kit/page-frame.tsx";
import { CARDS, type CardId } from "./state/app-state.ts";
import { useAppState, usePage } from "./state/page.tsx";
import { stepsOf } from "./steps.ts";
import { TrustBadge } from "./trust/trust-badge.tsx";

export function App() {
  useOpenByLink();
  return (
    <PageFrame title="Lorikeet" trust={<TrustBadge />} tools={<Tagline />} steps={useSteps()} footer={<Footer />}>
      <SupportGate />
      <Cards />
    </PageFrame>
  );
}

const PARTS = [
  { name: "Model", Part: ModelCard },
  { name: "Data", Part: DataCard },
  { name: "Train", Part: TrainCard },
  { name: "Check", Part: CheckCard },
  { name: "Download", Part: DownloadCard },
  { name: "Runs", Part: RunsCard },
] as const;

/** Nothing to press before it is known whether this browser can do it, and when nobody is left to do it. */
function Cards() {
  const ready = useAppState(({ opening, broken }) => opening !== null && opening.blocked === null && broken === null);
  if (!ready) return null;
  return (
    <>
      <InterruptedNotice />
      {PARTS.map(({ name, Part }) => (
        <Boundary key={name} part={`The ${name} card`}>
          <Part />
        </Boundary>
      ))}
    </>
  );
}

function useSteps() {
  const key = useAppState((state) => JSON.stringify(stepsOf(state)));
  return JSON.parse(key) as ReturnType<typeof stepsOf>;
}

/** A link to a card opens it, and takes the keyboard there. */
function useOpenByLink(): void {
  const { actions } = usePage();
  useEffect(() => {
    const open = () => {
      const card = location.hash.slice(1);
      if (!CARDS.includes(card as CardId)) return;
      actions.toggleCard(card as CardId, true);
      requestAnimationFrame(() => {
        const element = document.getElementById(card);
        element?.scrollIntoView({ block: "start" });
        element?.querySelector<HTMLElement>("h2 button")?.focus({ preventScroll: true });
      });
    };
    const again = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest("a") : null;
      if (link?.hash && link.hash === location.hash) open();
    };
    addEventListener("hashchange", open);
    addEventListener("click", again);
    return () => {
      removeEventListener("hashchange", open);
      removeEventListener("click", again);
    };
  }, [actions]);
}

/** What this is, for somebody who came by a link. */
const Tagline = () => <p className="k-frame-tagline">Fine-tune a language model on your own GPU</p>;

function Footer() {
  return (
    <p>
      Lorikeet fine-tunes a language model with LoRA on this computer's GPU. It also runs without a page:{" "}
      <code>npm run lorikeet -- --help</code>
    </p>
  );
}
