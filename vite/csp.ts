/**
 * What the page may load, run and talk to, as a Content-Security-Policy: itself, and the Hub that models come from. It
 * stands in the built index.html, for hosts that send no headers, and in `_headers` for those that do.
 *
 * A <meta> cannot hold `frame-ancestors`: that needs the header. The engine's worker begins in a blob and so inherits the
 * page's policy (src/worker/client.ts); a worker of a plain address would take that of its own response, or none.
 */
import { createHash } from "node:crypto";
import type { Plugin } from "vite";

/** The Hub, and where its downloads are redirected to. */
const HUB_HOSTS = ["https://huggingface.co", "https://*.huggingface.co", "https://*.hf.co"];

/**
 * The <style> elements that react-aria adds at run time (usePress, and usePreventScroll on iOS), each allowed by its
 * hash. A test holds them against the installed package.
 */
export const INJECTED_STYLES: readonly string[] = [
  "@layer {\n  [data-react-aria-pressable] {\n    touch-action: pan-x pan-y pinch-zoom;\n  }\n}",
  "@layer {\n  * {\n    overscroll-behavior: contain;\n  }\n}",
];

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/**
 * The policy as one line.
 * @param place `header` adds what only a header can say. WebAssembly is for the worker: Parquet's decompression, checksums
 * @param hub address of the Hub; a mirror's origin is added to those of the Hub
 */
export function contentSecurityPolicy(place: "meta" | "header", hub: string): string {
  const connect = new Set(["'self'", ...HUB_HOSTS, new URL(hub).origin]);
  const directives = [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self' blob:",
    `style-src 'self' ${INJECTED_STYLES.map(hashOf).join(" ")}`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "manifest-src 'self'",
    `connect-src ${[...connect].join(" ")}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return [...directives, ...(place === "header" ? ["frame-ancestors 'none'"] : [])].join("; ");
}

/** Puts the policy into the built index.html, right after its charset, before anything it could apply to. */
export function cspPlugin(hub: string): Plugin {
  return {
    name: "lorikeet:csp",
    apply: (_, { command, isSsrBuild }) => command === "build" && !isSsrBuild,
    transformIndexHtml: {
      order: "post",
      handler: (html, { path }) => (path === "/index.html" ? withPolicy(html, hub) : html),
    },
  };
}

/** @throws Error when there is no charset to stand behind: a policy further down would come too late */
export function withPolicy(html: string, hub: string): string {
  const charset = /<meta charset="utf-8" \/>/;
  if (!charset.test(html)) throw new Error('index.html: expected <meta charset="utf-8" /> in its head');
  const policy = `<meta http-equiv="Content-Security-Policy" content="${contentSecurityPolicy("meta", hub)}" />`;
  return html.replace(charset, (found) => `${found}\n    ${policy}`);
}
