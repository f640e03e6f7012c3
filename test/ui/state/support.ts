/** The page's state and actions over an engine that only notes what it is asked. */
import { createActions } from "../../../src/ui/state/actions.ts";
import { type AppState, INITIAL_STATE } from "../../../src/ui/state/app-state.ts";
import { createCurves } from "../../../src/ui/state/curves.ts";
import { createListener } from "../../../src/ui/state/engine-events.ts";
import { createStore } from "../../../src/ui/state/store.ts";
import { ENGINE_METHODS, type Engine, type EngineMethod } from "../../../src/worker/protocol.ts";

/** `answers`: what the engine does besides. */
export function page(answers: Partial<Record<EngineMethod, (...args: never[]) => unknown>> = {}) {
  const asked: [EngineMethod, ...unknown[]][] = [];
  const methods = ENGINE_METHODS.map((method) => [
    method,
    async (...args: never[]) => {
      asked.push([method, ...args]);
      return answers[method]?.(...args) ?? null;
    },
  ]);
  const engine = Object.fromEntries(methods) as Engine;
  const store = createStore<AppState>(INITIAL_STATE);
  const curves = createCurves();
  const actions = createActions(store, curves, () => engine, { save: () => {}, keep: () => {} });
  const calls = (method: EngineMethod) => asked.filter(([name]) => name === method);
  return { store, curves, actions, asked, calls, hear: createListener(store, curves) };
}
