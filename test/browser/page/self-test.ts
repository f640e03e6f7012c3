/** Hands each order to a worker of its own and gives back what comes of it. */
import type { SelfTestOrder, SelfTestPage, SelfTestReply } from "./self-test-protocol.ts";

function call(name: SelfTestOrder): Promise<unknown> {
  const worker = new Worker(new URL("./self-test-worker.ts", import.meta.url), { type: "module" });
  return new Promise((resolve, reject) => {
    worker.addEventListener("error", ({ message }) => reject(new Error(message)));
    worker.addEventListener("message", ({ data }: MessageEvent<SelfTestReply>) => {
      if (data === "working") {
        page.working = true;
        return;
      }
      worker.terminate();
      if ("error" in data) reject(new Error(data.error));
      else resolve(data.value);
    });
    worker.postMessage(name);
  });
}

const page: SelfTestPage = { call: call as SelfTestPage["call"], working: false };
Object.assign(globalThis, { selfTestPage: page });
