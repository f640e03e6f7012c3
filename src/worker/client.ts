/** Starts the engine in a worker of its own. The page holds nothing else of it. */

import type { LorikeetError } from "../core/errors.ts";
import address from "./entry.ts?worker&url";
import { connectEngine, type EngineClient, workerGone } from "./rpc.ts";

export interface EngineWorker extends EngineClient {
  /** Ends the worker, and with it everything on the GPU. */
  stop(): void;
}

/**
 * A worker of a plain address takes the Content-Security-Policy of its own response, and a host that sends no headers
 * gives it none. One that begins in a blob inherits the page's, so the engine reaches no other host wherever the page lies.
 * @param onFailure the worker could not start, or broke off; it is ended, and from then on every request is refused
 */
export function startEngine(onFailure: (error: LorikeetError) => void = () => {}): EngineWorker {
  const absolute = new URL(address, import.meta.url).href;
  const script = URL.createObjectURL(new Blob([`import ${JSON.stringify(absolute)};`], { type: "text/javascript" }));
  const worker = new Worker(script, { type: "module", name: "engine" });
  const client = connectEngine(worker);
  const fail = (detail: string) => {
    // What is left of it must not train on unseen, with the run's lock and the GPU in its hands.
    worker.terminate();
    const error = workerGone(detail);
    client.fail(error);
    onFailure(error);
  };
  worker.addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.message);
  });
  worker.addEventListener("messageerror", () => fail("a message could not be read"));
  return {
    ...client,
    stop() {
      worker.terminate();
      client.fail(workerGone("it was stopped"));
    },
  };
}
