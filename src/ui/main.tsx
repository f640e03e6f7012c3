/** Entry of the page. */
import { StrictMode, useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import { type Support, webGpuSupport } from "./support.ts";

function Page() {
  const [support, setSupport] = useState<Support | null>(null);
  useEffect(() => {
    void webGpuSupport(navigator.gpu).then(setSupport);
  }, []);

  return (
    <main>
      <h1>Lorikeet</h1>
      <p>Fine-tunes a language model in this browser tab. Nothing leaves the machine.</p>
      <section aria-labelledby="support" aria-busy={support === null}>
        <h2 id="support">This browser</h2>
        <p role="status">{summary(support)}</p>
        {support?.state === "ready" && <Details support={support} />}
      </section>
    </main>
  );
}

function summary(support: Support | null): string {
  if (!support) return "Looking for a graphics adapter…";
  if (support.state === "none") return `${support.reason} Safari 26, Chrome 121 and newer have it.`;
  return `WebGPU is ready on ${support.adapter}.`;
}

function Details({ support }: { support: Extract<Support, { state: "ready" }> }) {
  return (
    <dl>
      {support.limits.map(({ name, value, unit }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value.toLocaleString("en", { maximumFractionDigits: 0 })} {unit}
          </dd>
        </div>
      ))}
      <div>
        <dt>Optional features missing</dt>
        <dd>{support.missing.length > 0 ? support.missing.join(", ") : "none"}</dd>
      </div>
    </dl>
  );
}

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Page />
    </StrictMode>,
  );
}
