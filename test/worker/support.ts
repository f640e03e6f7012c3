/** An engine in this process, on the test's GPU, with a store that a second engine can take over: a reload. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { root } from "../../src/cli/launch/places.mjs";
import { nodeGpu, openGpu } from "../../src/cli/node/gpu.ts";
import { resolveConfig } from "../../src/train/config.ts";
import { createEngine } from "../../src/worker/engine.ts";
import type { Engine, EngineEvent, RunEvent } from "../../src/worker/protocol.ts";
import type { StoredRun } from "../../src/worker/runs/run-folder.ts";
import { memoryStore } from "../../src/worker/storage/memory-store.ts";
import type { Store } from "../../src/worker/storage/store.ts";

export const BASE = "http://page.test/";

export interface TestEngine {
  readonly engine: Engine;
  readonly store: Store;
  readonly events: EngineEvent[];
  /** The newest state of a part. */
  state<T extends "model" | "data" | "run" | "mix">(part: T): Extract<EngineEvent, { type: T }>["state"];
  /** What has happened in runs so far. */
  progress(): RunEvent[];
  /** Resolves when an event satisfies it, now or later. */
  until(found: (event: EngineEvent) => boolean): Promise<EngineEvent>;
}

/** Not yet opened. */
export function testEngine(
  store: Store = memoryStore(),
  fetch: typeof globalThis.fetch = fetchPublic,
  openDevice = openGpu,
): TestEngine {
  const events: EngineEvent[] = [];
  const waiting: { found(event: EngineEvent): boolean; resolve(event: EngineEvent): void }[] = [];
  const hear = (event: EngineEvent) => {
    events.push(event);
    for (const one of [...waiting]) {
      if (!one.found(event)) continue;
      waiting.splice(waiting.indexOf(one), 1);
      one.resolve(event);
    }
  };
  const engine = createEngine(hear, {
    gpu: nodeGpu(),
    fetch,
    openDevice,
    tune: async () => {},
    openStore: async () => ({ store, note: "test", reason: null }),
  });
  return {
    ...{ engine, store, events },
    state(part) {
      const newest = events.findLast((event) => event.type === part);
      if (!newest || !("state" in newest)) throw new Error(`no state of ${part} yet`);
      return newest.state as never;
    },
    progress: () => events.flatMap((event) => (event.type === "progress" ? event.events : [])),
    until: (found) =>
      new Promise((resolve) => {
        const known = events.find(found);
        if (known) resolve(known);
        else waiting.push({ found, resolve });
      }),
  };
}

/** A run of the demo that has ended so. */
export const storedRun = (outcome: StoredRun["outcome"]): StoredRun => ({
  ...{ id: "a", title: "t", model: { kind: "demo" }, modelTitle: "Demo", dataTitle: "Sample", began: 0 },
  ...{ status: "finished", config: resolveConfig({}, "test"), probes: [], totalSteps: 6, savedStep: 6, outcome },
});

export const opened = async (test: TestEngine) => test.engine.open({ base: BASE, hub: "http://hub.test" });

/** The page's own files, from public/. */
export async function fetchPublic(input: RequestInfo | URL): Promise<Response> {
  const url = new URL(String(input));
  if (!url.href.startsWith(BASE)) throw new TypeError(`no network in this test: ${url.href}`);
  const bytes = await readFile(path.join(root, "public", url.pathname)).catch(() => null);
  return bytes ? new Response(new Uint8Array(bytes)) : new Response("not found", { status: 404 });
}
