import { describe, expect, it } from "vitest";
import { LorikeetError, modelError } from "../../src/core/errors.ts";
import type { Engine, EngineEvent } from "../../src/worker/protocol.ts";
import { connectEngine, serveEngine, workerGone } from "../../src/worker/rpc.ts";

/** Two ends with an engine of one or two methods. */
function wire(methods: Partial<Engine>) {
  const { port1, port2 } = new MessageChannel();
  port1.start();
  port2.start();
  const publish = serveEngine(port1, methods as Engine);
  const close = () => port1.close();
  return { publish, close, ...connectEngine(port2) };
}

describe("the wire", () => {
  it("carries requests, answers and events, in order", async () => {
    const heard: EngineEvent[] = [];
    const { engine, listen, publish, close } = wire({
      async runs() {
        publish({ type: "request", url: "during", bytes: 1 });
        return [];
      },
      logits: async (ids) => Float32Array.from(ids),
    });
    listen((event) => heard.push(event));
    const [runs, logits] = await Promise.all([engine.runs(), engine.logits([1, 2])]);
    expect(runs).toEqual([]);
    expect(logits).toEqual(Float32Array.of(1, 2));
    expect(heard).toEqual([{ type: "request", url: "during", bytes: 1 }]);
    close();
  });

  it("carries refusals with their hint and code, and names a bug as one", async () => {
    const { engine, close } = wire({
      async runs() {
        throw modelError("gone", "Look elsewhere.", "not-found");
      },
      async audit() {
        throw new TypeError("undefined is not a function");
      },
    });
    await expect(engine.runs()).rejects.toMatchObject({
      kind: "model",
      message: "gone",
      hint: "Look elsewhere.",
      code: "not-found",
    });
    await expect(engine.runs()).rejects.toBeInstanceOf(LorikeetError);
    await expect(engine.audit()).rejects.toMatchObject({
      message: "TypeError: undefined is not a function",
      hint: /bug/,
    });
    close();
  });

  it("refuses what waits and what comes when the worker has gone", async () => {
    const { engine, fail, close } = wire({ runs: () => new Promise(() => {}) });
    const waiting = engine.runs();
    fail(workerGone("out of memory"));
    await expect(waiting).rejects.toThrow(/engine stopped working: out of memory/);
    await expect(engine.audit()).rejects.toThrow(/engine stopped working/);
    close();
  });
});
