/** Hands an order to a worker of its own and gives back what comes of it. */
import type { TrainPage, TrainReply } from "./train-protocol.ts";

const page: TrainPage = {
  trainInWorker(order) {
    const worker = new Worker(new URL("./train-worker.ts", import.meta.url), { type: "module" });
    return new Promise((resolve, reject) => {
      worker.addEventListener("error", ({ message }) => reject(new Error(message)));
      worker.addEventListener("message", ({ data }: MessageEvent<TrainReply>) => {
        worker.terminate();
        if ("outcome" in data) resolve(data.outcome);
        else reject(new Error(data.error));
      });
      worker.postMessage(order);
    });
  },
};

Object.assign(globalThis, page);
