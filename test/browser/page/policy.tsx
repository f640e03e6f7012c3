/** A button of react-aria, which adds a style of its own, and a worker that says what it is allowed. */
import { Button } from "react-aria-components";
import { createRoot } from "react-dom/client";

const root = document.getElementById("root");
if (root) createRoot(root).render(<Button>Press</Button>);

const worker = new Worker(new URL("./policy-worker.ts", import.meta.url), { type: "module" });
worker.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
  const result = document.getElementById("result");
  if (result) result.textContent = JSON.stringify(data);
});
