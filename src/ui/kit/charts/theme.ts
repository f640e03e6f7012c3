/** The page's colours for canvases, which cannot read custom properties, and word of when they change. */

/** Resolves custom properties where `host` stands, as colours a canvas understands. */
export function readColours<N extends string>(host: HTMLElement, names: readonly N[]): Record<N, string> {
  const probe = document.createElement("span");
  probe.hidden = true;
  host.append(probe);
  const colours = {} as Record<N, string>;
  for (const name of names) {
    probe.style.color = `var(--${name})`;
    colours[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return colours;
}

/** Calls `listener` when the system or <html data-theme> changes the ground. Returns the way to stop. */
export function onThemeChange(listener: () => void): () => void {
  const queries = ["(prefers-color-scheme: dark)", "(forced-colors: active)"].map((query) => matchMedia(query));
  for (const query of queries) query.addEventListener("change", listener);
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => {
    for (const query of queries) query.removeEventListener("change", listener);
    observer.disconnect();
  };
}
