/** Entry of the page: store, engine and actions, put together once. */
import "./kit/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { startEngine } from "../worker/client.ts";
import { App } from "./app.tsx";
import { createActions } from "./state/actions.ts";
import { INITIAL_STATE } from "./state/app-state.ts";
import { browserTools } from "./state/browser-tools.ts";
import { createCurves } from "./state/curves.ts";
import { createListener } from "./state/engine-events.ts";
import { PageProvider } from "./state/page.tsx";
import { breakOff, startPage } from "./state/start.ts";
import { createStore } from "./state/store.ts";
import { browserSurroundings } from "./state/surroundings.ts";
import { watchTraining } from "./state/while-training.ts";

/** Put in by the build. */
declare const __LORIKEET_HUB__: string;

const store = createStore(INITIAL_STATE);
const curves = createCurves();
const { engine, listen } = startEngine((error) => breakOff(store, error));
listen(createListener(store, curves));
const actions = createActions(store, curves, () => engine, browserTools);
watchTraining(store, curves, browserSurroundings());

const base = new URL("./", document.baseURI).href;
const asked = new URLSearchParams(location.search);
// A mirror of the Hub: the page's policy lets only its own host and the one of the build through.
const hub = new URL(asked.get("hub") ?? __LORIKEET_HUB__, base).href.replace(/\/$/, "");
void startPage(store, actions, () => engine.open({ base, hub, forms: asked.get("forms") }));

// For the console and for scripts: the same engine that the page uses.
Object.assign(globalThis, { lorikeet: { engine, store, curves } });

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <PageProvider parts={{ store, curves, actions }}>
        <App />
      </PageProvider>
    </StrictMode>,
  );
}
