import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../src/cli/launch/places.mjs";
import { contentSecurityPolicy, INJECTED_STYLES, withPolicy } from "../../vite/csp.ts";
import { HUB } from "../../vite/hub.ts";

const directive = (policy: string, name: string) => policy.split("; ").find((part) => part.startsWith(`${name} `));

describe("the policy", () => {
  const meta = contentSecurityPolicy("meta", HUB);
  const header = contentSecurityPolicy("header", HUB);

  it("starts from nothing and never allows inline code or any host", () => {
    for (const policy of [meta, header]) {
      expect(policy.startsWith("default-src 'none'; ")).toBe(true);
      expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|data: blob: \S|https:(\s|;|$)|\*(\s|;|$)/);
    }
  });

  it("adds in the header what a meta cannot say", () => {
    expect([directive(meta, "frame-ancestors"), directive(header, "frame-ancestors")]).toEqual([
      undefined,
      "frame-ancestors 'none'",
    ]);
  });

  it("allows the Hub, and a mirror by its origin alone", () => {
    const hub = "connect-src 'self' https://huggingface.co https://*.huggingface.co https://*.hf.co";
    expect(directive(meta, "connect-src")).toBe(hub);
    const mirror = contentSecurityPolicy("meta", "https://mirror.example:8443/a;script-src *");
    expect(directive(mirror, "connect-src")).toBe(`${hub} https://mirror.example:8443`);
  });

  it("stands before everything else in the head", () => {
    const html = '<head>\n<meta charset="utf-8" />\n<script src="a.js"></script></head>';
    expect(withPolicy(html, HUB).indexOf("Content-Security-Policy")).toBeLessThan(
      withPolicy(html, HUB).indexOf("a.js"),
    );
    expect(() => withPolicy('<head><meta charset="latin1" /></head>', HUB)).toThrow(/expected <meta charset/);
  });
});

describe("the styles of react-aria", () => {
  const text = (file: string) => readFileSync(path.join(root, "node_modules/react-aria/dist/private", file), "utf8");

  /** What is assigned to a style element's textContent; constants of the file are filled in. */
  const injected = (source: string) =>
    [...source.matchAll(/style\.textContent = `([^`]*)`/g)].map(([, template = ""]) =>
      template
        .replace(/\$\{([\w$]+)\}/g, (_, name: string) => {
          const at = source.indexOf(`const ${name} = '`);
          return source.slice(at).split("'")[1] ?? "";
        })
        .trim(),
    );

  it("are the allowed ones, in the installed version", () => {
    const found = [...injected(text("interactions/usePress.mjs")), ...injected(text("overlays/usePreventScroll.mjs"))];
    expect(found).toEqual(INJECTED_STYLES);
    // The reader sees a change.
    expect(injected("style.textContent = `\n b { color: red }`.trim()")).not.toEqual(INJECTED_STYLES.slice(0, 1));
  });
});
