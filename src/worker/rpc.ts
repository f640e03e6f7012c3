/**
 * The wire between page and engine: requests with numbers, answers, events. Errors cross as data and keep their hint.
 * Both ends take anything that looks like a port, so that they are tested without a worker.
 */
import { deviceError, type ErrorData, LorikeetError } from "../core/errors.ts";
import { ENGINE_METHODS, type Engine, type EngineEvent, type Reply, type Request } from "./protocol.ts";

/** A worker, its own scope, or a MessagePort. */
export interface Port {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
}

/** The worker's end: answers requests with the engine's methods. Returns the way to send events. */
export function serveEngine(port: Port, engine: Engine): (event: EngineEvent) => void {
  const reply = (message: Reply) => port.postMessage(message);
  port.addEventListener("message", ({ data }: MessageEvent<Request>) => {
    const { id, method, args } = data;
    // The client's types make sure that the arguments are the method's.
    const run = engine[method] as (...args: readonly unknown[]) => Promise<unknown>;
    Promise.resolve()
      .then(() => run.apply(engine, args as unknown[]))
      .then(
        (value) => reply({ kind: "result", id, value }),
        (error) => reply({ kind: "refusal", id, error: errorData(error) }),
      );
  });
  return (event) => reply({ kind: "event", event });
}

/** Any error as data; one that is not ours is a bug, and says so. */
export function errorData(error: unknown): ErrorData {
  if (error instanceof LorikeetError) return error.toData();
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { kind: "device", message, hint: "This is a bug in Lorikeet; please report it with the message." };
}

export interface EngineClient {
  readonly engine: Engine;
  listen(listener: (event: EngineEvent) => void): void;
  /** Refuses everything that waits and all that is asked later. */
  fail(error: LorikeetError): void;
}

/** The page's end. */
export function connectEngine(port: Port): EngineClient {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  const listeners: ((event: EngineEvent) => void)[] = [];
  let failure: LorikeetError | null = null;
  let next = 0;

  port.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
    if (data.kind === "event") {
      for (const listener of listeners) listener(data.event);
      return;
    }
    const request = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.kind === "result") request?.resolve(data.value);
    else request?.reject(LorikeetError.fromData(data.error));
  });

  const ask = (method: (typeof ENGINE_METHODS)[number], args: readonly unknown[]) =>
    new Promise<unknown>((resolve, reject) => {
      if (failure) return reject(failure);
      const id = next++;
      waiting.set(id, { resolve, reject });
      port.postMessage({ id, method, args } satisfies Request);
    });
  const methods = ENGINE_METHODS.map((method) => [method, (...args: unknown[]) => ask(method, args)]);
  return {
    engine: Object.fromEntries(methods) as Engine,
    listen(listener) {
      listeners.push(listener);
    },
    fail(error) {
      failure = error;
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    },
  };
}

export const workerGone = (detail: string) =>
  deviceError(
    `the engine stopped working: ${detail || "its worker ended"}`,
    "Reload the page; models, data and checkpoints are kept.",
  );
