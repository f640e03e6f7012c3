/** The support gate, the trust badge, and the Check and Download cards in invented states: ?state=…&theme=dark. */

import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { browserTools } from "../../../src/ui/state/browser-tools.ts";
import "../../../src/ui/kit/base.css";
import { CheckCard } from "../../../src/ui/cards/check/check-card.tsx";
import { DownloadCard } from "../../../src/ui/cards/download/download-card.tsx";
import { SupportGate } from "../../../src/ui/gate/support-gate.tsx";
import { PageFrame, type Step } from "../../../src/ui/kit/page-frame.tsx";
import { createActions } from "../../../src/ui/state/actions.ts";
import { type AppState, INITIAL_STATE } from "../../../src/ui/state/app-state.ts";
import { createCurves } from "../../../src/ui/state/curves.ts";
import { createListener } from "../../../src/ui/state/engine-events.ts";
import { PageProvider } from "../../../src/ui/state/page.tsx";
import { createStore } from "../../../src/ui/state/store.ts";
import { TrustBadge } from "../../../src/ui/trust/trust-badge.tsx";
import type { EngineEvent, Question } from "../../../src/worker/protocol.ts";
import { CLOSING_ANSWERS, CLOSING_STATES } from "./fake/closing.ts";
import { mixing } from "./fake/mix.ts";
import { type Call, fakeEngine } from "./fake/stand.tsx";

const STEPS: readonly Step[] = [
  { id: "check", label: "Check", state: "active" },
  { id: "download", label: "Download", state: "todo" },
];

/** Begins every side's answer, and ends it when told to stop. */
function answering(tell: (event: EngineEvent) => void) {
  let end = () => {};
  return {
    ask: async ({ id, sides }: Question) => {
      const stopped = new Promise<void>((resolve) => {
        end = resolve;
      });
      const say = (text: string, ended: boolean | null) => {
        for (const side of sides) tell({ type: "answer", answer: { id, side, text: `${side}: ${text}`, ended } });
      };
      say("the parrot", null);
      await stopped;
      say("the parrot is", false);
    },
    stopAnswer: () => end(),
  };
}

const query = new URLSearchParams(location.search);
document.documentElement.dataset.theme = query.get("theme") ?? "light";
const chosen = CLOSING_STATES[query.get("state") ?? ""];
if (!chosen) throw new Error(`no such state; there are ${Object.keys(CLOSING_STATES).join(", ")}`);

const store = createStore<AppState>({ ...INITIAL_STATE, ...chosen });
const curves = createCurves();
const calls: Call[] = [];
const tell = createListener(store, curves);
const answers = { ...CLOSING_ANSWERS, ...answering(tell), ...mixing(tell) };
const engine = fakeEngine(answers, calls);
const actions = createActions(store, curves, () => engine, browserTools);
Object.assign(window, { stand: { calls, set: store.set } });

const root = document.getElementById("root");
if (!root) throw new Error("the page has no root");
createRoot(root).render(
  <StrictMode>
    <PageProvider parts={{ store, curves, actions }}>
      <PageFrame title="Lorikeet" trust={<TrustBadge />} steps={STEPS}>
        <SupportGate />
        <CheckCard />
        <DownloadCard />
      </PageFrame>
    </PageProvider>
  </StrictMode>,
);
