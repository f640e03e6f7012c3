/**
 * Writes `_headers` into the built site, in the form that Netlify and Cloudflare Pages read: the same headers for every
 * file. `npm start` and the tests serve with what stands there.
 */
import type { Plugin } from "vite";
import { contentSecurityPolicy } from "./csp.ts";

export const HEADERS_FILE = "_headers";

export function securityHeaders(hub: string): Readonly<Record<string, string>> {
  return {
    "Content-Security-Policy": contentSecurityPolicy("header", hub),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
}

export function headersPlugin(hub: string): Plugin {
  return {
    name: "lorikeet:headers",
    apply: (_, { command, isSsrBuild }) => command === "build" && !isSsrBuild,
    generateBundle() {
      const lines = Object.entries(securityHeaders(hub)).map(([name, value]) => `  ${name}: ${value}\n`);
      this.emitFile({ type: "asset", fileName: HEADERS_FILE, source: `/*\n${lines.join("")}` });
    },
  };
}
