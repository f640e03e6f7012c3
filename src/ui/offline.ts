/**
 * Makes the page work without a network: starts the service worker that the build writes. Without one (development, a
 * private window, a browser that has none) the page is the same, only not offline.
 */

/** Registers the service worker of a built page. Never rejects: offline use is an extra. */
export async function registerServiceWorker(): Promise<void> {
  if (!import.meta.env.PROD || !location.protocol.startsWith("http") || !("serviceWorker" in navigator)) return;
  // Fetching the whole site must not slow down the page's own first load.
  await loaded();
  const script = new URL("service-worker.js", document.baseURI);
  // Storage may be blocked, or the files of a newer version not all there yet: the next load tries again.
  await navigator.serviceWorker.register(script, { updateViaCache: "none" }).catch(() => {});
}

const loaded = (): Promise<unknown> =>
  document.readyState === "complete"
    ? Promise.resolve()
    : new Promise((resolve) => window.addEventListener("load", resolve, { once: true }));
