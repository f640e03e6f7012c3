/** The engine's client on the window, for tests that drive it without the page. */
import { startEngine } from "../../../src/worker/client.ts";
import type { Engine, EngineEvent } from "../../../src/worker/protocol.ts";

export interface EnginePage {
  readonly engine: Engine;
  /** Everything the engine has said, with the time it came at. */
  readonly heard: { readonly at: number; readonly event: EngineEvent }[];
}

const { engine, listen } = startEngine();
const heard: EnginePage["heard"] = [];
listen((event) => heard.push({ at: performance.now(), event }));
Object.assign(globalThis, { engine, heard } satisfies EnginePage);
