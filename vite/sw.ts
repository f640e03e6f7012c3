/**
 * The service worker: keeps one version of the built site, whole, for when there is no network. With a network a page
 * is what the server has, so a new version is there at the next load; without one it is the version that was kept.
 *
 * Versions never mix: each has a cache of its own, in which a file counts only with the content that was built; it is
 * removed when the next version takes over, which the browser allows once no page of the site is open.
 *
 * It touches nothing else: other origins, and files that are not in its list, go to the network as if it were not there.
 * Models of the Hub never pass through it.
 */

declare const self: ServiceWorkerGlobalScope;
/** Filled in by the build: addresses relative to the site, with digests, and a digest of the list. */
declare const __FILES__: readonly (readonly [address: string, integrity: string])[];
declare const __VERSION__: string;

const { scope } = self.registration;
// With the scope, since other sites of the same origin share the caches.
const PREFIX = `lorikeet ${scope} `;
const CACHE = PREFIX + __VERSION__;
const FILES = new Map(__FILES__.map(([address, integrity]) => [new URL(address, scope).href, integrity]));
/** Their names hold a digest of their content, so the kept file is the server's. */
const IMMUTABLE = `${scope}assets/`;
/** A network that has not begun to answer by then counts as none. */
const PATIENCE_MS = 5000;

self.addEventListener("install", (event) => event.waitUntil(fill()));

self.addEventListener("activate", (event) => event.waitUntil(removeOthers()));

self.addEventListener("fetch", (event) => {
  const address = fileOf(event.request);
  if (address !== null) event.respondWith(answer(address, event.request));
});

/** All files or none; one that differs from what was built (a newer site is being uploaded) fails the whole. */
async function fill(): Promise<void> {
  const cache = await caches.open(CACHE);
  const requests = [...FILES].map(([address, integrity]) => new Request(address, { integrity, cache: "no-cache" }));
  try {
    await cache.addAll(requests);
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

async function removeOthers(): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
  await Promise.all(names.map((name) => caches.delete(name)));
}

/** The kept file that is asked for, or null. */
function fileOf({ method, url }: Request): string | null {
  if (method !== "GET" || !url.startsWith(scope)) return null;
  const address = url.replace(/[?#].*$/, "");
  const name = address === `${scope}index.html` ? scope : address;
  return FILES.has(name) ? name : null;
}

async function answer(address: string, request: Request): Promise<Response> {
  const kept = async () => (await caches.open(CACHE)).match(address);
  if (address.startsWith(IMMUTABLE)) return (await kept()) ?? fetch(request);
  const fresh = fetch(request).catch(() => Response.error());
  const first = await Promise.race([fresh, pause(PATIENCE_MS)]);
  if (first && !failed(first)) return first;
  const stored = await kept();
  return stored ? rangeOf(stored, request) : fresh;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** No network, or a host in trouble. A redirect, of a hotel's login page for one, is for the browser to follow. */
const failed = ({ type, status }: Response): boolean => type === "error" || status >= 500;

/** The part that is asked for, as a server gives it. */
async function rangeOf(stored: Response, request: Request): Promise<Response> {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  if (!range) return stored;
  const blob = await stored.blob();
  const begin = Number(range[1]);
  const end = Math.min(range[2] ? Number(range[2]) + 1 : blob.size, blob.size);
  if (begin >= end) return new Response(null, { status: 416, headers: { "Content-Range": `bytes */${blob.size}` } });
  const headers = new Headers(stored.headers);
  headers.set("Content-Range", `bytes ${begin}-${end - 1}/${blob.size}`);
  headers.set("Content-Length", `${end - begin}`);
  return new Response(blob.slice(begin, end), { status: 206, headers });
}

export {};
