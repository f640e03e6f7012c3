/**
 * Looks at one state of a card on its page of test/browser/page: accessible in both schemes and at both widths, and
 * nothing wider than the screen. LORIKEET_SHOTS names a folder for pictures, for people to look at.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { Page } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const LOOKS = (["light", "dark"] as const).flatMap((theme) => [1280, 390].map((width) => ({ theme, width })));

interface AxePage {
  readonly axe: { run(): Promise<{ violations: { id: string; nodes: { target: unknown[] }[] }[]; passes: unknown[] }> };
}

/** What is wrong with the page as it stands, in every look; one line each. */
export async function lookProblems(page: Page, name: string): Promise<string[]> {
  const problems: string[] = [];
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.evaluate(axe);
  for (const { theme, width } of LOOKS) {
    await page.setViewportSize({ width, height: 900 });
    // The page heeds its own switch, a report the system's wish.
    await page.emulateMedia({ colorScheme: theme });
    await page.evaluate(`document.documentElement.dataset.theme = ${JSON.stringify(theme)}`);
    const at = `${theme} ${width}: `;
    const wide = await page.evaluate<number>(
      "document.documentElement.scrollWidth - document.documentElement.clientWidth",
    );
    if (wide > 0) problems.push(`${at}${wide} pixels wider than the screen`);
    problems.push(...(await violations(page)).map((line) => at + line));
    await picture(page, `${name}-${width}-${theme}.png`);
  }
  return problems;
}

/** The whole page in a window as high as it is, so that bars that stick to its edges stand where they belong. */
async function picture(page: Page, file: string): Promise<void> {
  const folder = process.env.LORIKEET_SHOTS;
  if (!folder) return;
  const { width } = page.viewportSize()!;
  const height = await page.evaluate<number>(
    "document.querySelector('dialog[open]') ? 900 : Math.max(900, document.documentElement.scrollHeight)",
  );
  await page.setViewportSize({ width, height });
  await page.screenshot({ path: path.join(folder, file) });
  await page.setViewportSize({ width, height: 900 });
}

/** What axe finds, one line each. It throws when axe looked at nothing. */
async function violations(page: Page): Promise<string[]> {
  const { found, passes } = await page.evaluate(async () => {
    const result = await (globalThis as unknown as AxePage).axe.run();
    const found = result.violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join("; ")}`,
    );
    return { found, passes: result.passes.length };
  });
  if (passes === 0) throw new Error("axe checked nothing");
  return found;
}

interface StandPage {
  readonly stand: { readonly calls: readonly { readonly method: string; readonly args: readonly unknown[] }[] };
}

/** What the card asked of its engine, as "method(args)". */
export const calls = (page: Page): Promise<string[]> =>
  page.evaluate(() =>
    (globalThis as unknown as StandPage).stand.calls.map(
      ({ method, args }) => `${method}(${args.map((arg) => JSON.stringify(arg)).join(", ")})`,
    ),
  );

/** Presses Tab until the focused element has this accessible name (its text or label); throws after 80 steps. */
export async function tabTo(page: Page, name: string): Promise<void> {
  const focused = () =>
    page.evaluate<string>(`(() => {
      const element = document.activeElement;
      const labels = [...(element?.labels ?? [])].map((label) => label.textContent);
      return [element?.getAttribute("aria-label"), element?.textContent, ...labels, element?.value].join(" | ");
    })()`);
  for (let step = 0; step < 80; step++) {
    await page.keyboard.press("Tab");
    if ((await focused()).includes(name)) return;
  }
  throw new Error(`Tab does not reach "${name}"`);
}
