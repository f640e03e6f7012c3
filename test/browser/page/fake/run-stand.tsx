/** Shows a card over an invented run: ?state=… chooses it, ?theme=dark the ground. The test reads and moves `window.stand`. */

import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { browserTools } from "../../../../src/ui/state/browser-tools.ts";
import "../../../../src/ui/kit/base.css";
import { PageFrame } from "../../../../src/ui/kit/page-frame.tsx";
import { createActions } from "../../../../src/ui/state/actions.ts";
import { type AppState, INITIAL_STATE } from "../../../../src/ui/state/app-state.ts";
import { createCurves } from "../../../../src/ui/state/curves.ts";
import { takeRunEvents } from "../../../../src/ui/state/engine-events.ts";
import { PageProvider } from "../../../../src/ui/state/page.tsx";
import { createStore } from "../../../../src/ui/state/store.ts";
import type { Engine, RunEvent } from "../../../../src/worker/protocol.ts";
import { eventsUntil } from "./run.ts";
import { type Call, fakeEngine } from "./stand.tsx";

export interface FakeState {
  readonly state: Partial<AppState>;
  /** What the run told so far. */
  readonly events?: readonly RunEvent[];
}

export interface RunStand {
  readonly calls: readonly Call[];
  set(changes: Partial<AppState>): void;
  get(): AppState;
  /** The run has come to update `step`. */
  advance(step: number): void;
}

type Answers = Readonly<Record<string, (...args: never[]) => unknown>>;

export function showRunCard(states: Readonly<Record<string, FakeState>>, answers: Answers, card: ReactNode): void {
  const query = new URLSearchParams(location.search);
  document.documentElement.dataset.theme = query.get("theme") ?? "light";
  const chosen = states[query.get("state") ?? ""];
  if (!chosen) throw new Error(`no such state; there are ${Object.keys(states).join(", ")}`);

  const store = createStore<AppState>({ ...INITIAL_STATE, ...chosen.state });
  const curves = createCurves();
  const tell = (events: readonly RunEvent[]) => takeRunEvents(store, curves, events);
  tell(chosen.events ?? []);
  store.set(chosen.state);
  const calls: Call[] = [];
  const engine: Engine = fakeEngine(answers, calls);
  const actions = createActions(store, curves, () => engine, browserTools);
  const stand: RunStand = { calls, set: store.set, get: store.get, advance: (step) => tell(eventsUntil(step)) };
  Object.assign(window, { stand });

  const root = document.getElementById("root");
  if (!root) throw new Error("the page has no root");
  createRoot(root).render(
    <StrictMode>
      <PageProvider parts={{ store, curves, actions }}>
        <PageFrame title="Lorikeet" steps={[]}>
          {card}
        </PageFrame>
      </PageProvider>
    </StrictMode>,
  );
}
