/** Starts the engine in a worker of its own. The page holds nothing else of it. */
import { connectEngine, type EngineClient, workerGone } from "./rpc.ts";

export interface EngineWorker extends EngineClient {
  /** Ends the worker, and with it everything on the GPU. */
  stop(): void;
}

export function startEngine(): EngineWorker {
  const worker = new Worker(new URL("./entry.ts", import.meta.url), { type: "module", name: "engine" });
  const client = connectEngine(worker);
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    client.fail(workerGone(event.message));
  });
  worker.addEventListener("messageerror", () => client.fail(workerGone("a message could not be read")));
  return {
    ...client,
    stop() {
      worker.terminate();
      client.fail(workerGone("it was stopped"));
    },
  };
}
