/** Shows one card in the page's frame with an invented state: ?state=… chooses it, ?theme=dark the ground. */

import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { browserTools } from "../../../../src/ui/state/browser-tools.ts";
import "../../../../src/ui/kit/base.css";
import { PageFrame } from "../../../../src/ui/kit/page-frame.tsx";
import { createActions } from "../../../../src/ui/state/actions.ts";
import { type AppState, INITIAL_STATE } from "../../../../src/ui/state/app-state.ts";
import { createCurves } from "../../../../src/ui/state/curves.ts";
import { PageProvider } from "../../../../src/ui/state/page.tsx";
import { createStore } from "../../../../src/ui/state/store.ts";
import type { Engine } from "../../../../src/worker/protocol.ts";

export interface Call {
  readonly method: string;
  readonly args: readonly unknown[];
}

export interface Stand {
  /** What the card asked of the engine. */
  readonly calls: readonly Call[];
  readonly set: (changes: Partial<AppState>) => void;
}

type Answers = Readonly<Record<string, (...args: never[]) => unknown>>;

/** An engine that notes every call and answers from `answers`, else with nothing. */
export function fakeEngine(answers: Answers, calls: Call[]): Engine {
  return new Proxy({} as Engine, {
    get:
      (_, method: string) =>
      async (...args: never[]) => {
        calls.push({ method, args });
        return answers[method]?.(...args);
      },
  });
}

/** Renders the card; the test reads `window.stand`. */
export function showCard(states: Readonly<Record<string, Partial<AppState>>>, answers: Answers, card: ReactNode): void {
  const query = new URLSearchParams(location.search);
  document.documentElement.dataset.theme = query.get("theme") ?? "light";
  const chosen = states[query.get("state") ?? ""];
  if (!chosen) throw new Error(`no such state; there are ${Object.keys(states).join(", ")}`);

  const store = createStore<AppState>({ ...INITIAL_STATE, ...chosen });
  const curves = createCurves();
  const calls: Call[] = [];
  const engine = fakeEngine(answers, calls);
  const actions = createActions(store, curves, () => engine, browserTools);
  const stand: Stand = { calls, set: store.set };
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
