/** The engine's worker: everything it does is in `createEngine`. */
import { createEngine } from "./engine.ts";
import type { EngineEvent } from "./protocol.ts";
import { serveEngine } from "./rpc.ts";

let publish = (_event: EngineEvent): void => {};
const engine = createEngine((event) => publish(event));
publish = serveEngine(self, engine);
