/** Starts and ends workers that use the store, and passes on what the test asks of them. */
import { STUCK, type StoreOrder, type StorePage, type StoreReply } from "./store-protocol.ts";

interface Running {
  readonly worker: Worker;
  readonly stuck: Promise<void>;
}

const workers = new Map<string, Running>();
let orders = 0;

function running(name: string): Running {
  const found = workers.get(name);
  if (found) return found;
  const worker = new Worker(new URL("./store-worker.ts", import.meta.url), { type: "module" });
  const stuck = new Promise<void>((resolve) => {
    worker.addEventListener("message", ({ data }) => data === STUCK && resolve());
  });
  workers.set(name, { worker, stuck });
  return { worker, stuck };
}

const page: StorePage = {
  call(name, call, args) {
    const { worker } = running(name);
    const order: StoreOrder = { id: ++orders, name: call, args };
    return new Promise((resolve, reject) => {
      worker.addEventListener("error", ({ message }) => reject(new Error(message)), { once: true });
      worker.addEventListener("message", function listen({ data }: MessageEvent<StoreReply | typeof STUCK>) {
        if (data === STUCK || data.id !== order.id) return;
        worker.removeEventListener("message", listen);
        if ("error" in data) reject(new Error(data.error));
        else resolve(data.value);
      });
      worker.postMessage(order);
    });
  },
  untilStuck: (name) => running(name).stuck,
  terminate(name) {
    workers.get(name)?.worker.terminate();
    workers.delete(name);
  },
};

Object.assign(globalThis, { storePage: page });
