/** Starts the worker and shows what it answers. */
const output = document.getElementById("result");
const worker = new Worker(new URL("./kernel-worker.ts", import.meta.url), { type: "module" });
worker.addEventListener("message", ({ data }: MessageEvent<string>) => {
  if (output) output.textContent = data;
});
worker.postMessage(64);
