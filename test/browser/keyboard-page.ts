/** The page by keyboard alone, and what must hold after each press: the focus is somewhere, seen, and further down the page. */
import type { Page } from "playwright-core";
import { expect } from "vitest";

/** What the keyboard is on. */
export interface Focused {
  /** Its label, its text, or its value. */
  readonly name: string;
  readonly card: string | null;
  readonly onBody: boolean;
  /** It, or what stands around it for the eye, has an outline. */
  readonly ringed: boolean;
  /** It lies in the window, and nothing that sticks there covers it. */
  readonly inSight: boolean;
  /** Against the one that `focused` was asked of before: later in the document, and not above it in the same column. */
  readonly follows: boolean;
}

/** As a function's text: it runs in the page. */
const FOCUSED = `(() => {
  const element = document.activeElement;
  const onBody = element === null || element === document.body;
  const labels = [...(element?.labels ?? [])].map((label) => label.textContent);
  const named = element?.getAttribute("aria-label") ?? element?.textContent;
  const name = [named, ...labels, element?.value].filter(Boolean).join(" | ").replace(/\\s+/g, " ").trim();

  const outlined = (one) => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(one);
    return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && !/, 0\\)$|transparent/.test(outlineColor);
  };
  let ringed = false;
  for (let at = element, level = 0; at && level < 4; at = at.parentElement, level++) ringed ||= outlined(at);

  const box = element?.getBoundingClientRect() ?? new DOMRect();
  const middle = [box.left + box.width / 2, Math.min(box.top + box.height / 2, box.top + 24)];
  const over = document.elementFromPoint(...middle);
  const frame = element?.closest("label, header, fieldset") ?? element;
  const inSight = over !== null && (frame.contains(over) || over.contains(element));

  const before = globalThis.focusedBefore;
  globalThis.focusedBefore = element;
  const past = before?.isConnected ? before.getBoundingClientRect() : null;
  const later = past === null || Boolean(before.compareDocumentPosition(element) & 4);
  const above = past !== null && box.bottom <= past.top && box.left <= past.left;
  return { name, card: element?.closest("[data-card]")?.dataset.card ?? null, onBody, ringed, inSight, follows: later && !above };
})()`;

const ORDER = "does not follow what had the focus before";

export const focused = (page: Page): Promise<Focused> => page.evaluate<Focused>(FOCUSED);

/** What is wrong with the focus where it is, one line each. */
export function focusProblems({ name, onBody, ringed, inSight, follows }: Focused): string[] {
  if (onBody) return ["nothing has the focus"];
  return [
    ...(ringed ? [] : [`"${name}" has the focus and does not show it`]),
    ...(inSight ? [] : [`"${name}" has the focus out of sight`]),
    ...(follows ? [] : [`"${name}" ${ORDER}`]),
  ];
}

/** Presses Tab until the focus is on what this names; every stop on the way must be well. Returns the stops. */
export async function walkTo(
  page: Page,
  name: RegExp,
  card?: string,
  key: "Tab" | "Shift+Tab" = "Tab",
): Promise<string[]> {
  const stops: string[] = [];
  for (let press = 0; press < 150; press++) {
    await page.keyboard.press(key);
    const now = await focused(page);
    const problems = focusProblems(now).filter((line) => key === "Tab" || !line.includes(ORDER));
    expect(problems, `after ${stops.at(-1) ?? "the beginning"}`).toEqual([]);
    stops.push(now.name);
    if (name.test(now.name) && (card === undefined || now.card === card)) return stops;
  }
  throw new Error(`${key} does not reach ${name}; it came by ${stops.join(", ")}`);
}

/** The focus after something was done: in the card, and seen. */
export async function expectFocus(page: Page, card: string | null, name?: RegExp): Promise<void> {
  await expect.poll(async () => (await focused(page)).onBody, { timeout: 60_000 }).toBe(false);
  // Where an action leads need not follow what was pressed.
  const problems = (await steadyFocus(page, name)).filter((line) => !line.includes(ORDER));
  expect(problems).toEqual([]);
  expect((await focused(page)).card).toBe(card);
}

/** Problems of the focus once it is on what this names. */
async function steadyFocus(page: Page, name = /./): Promise<string[]> {
  await expect.poll(async () => (await focused(page)).name, { timeout: 60_000 }).toMatch(name);
  return focusProblems(await focused(page));
}

/** Types over what the field at the focus holds, and ends with Enter. */
export async function typeOver(page: Page, text: string): Promise<void> {
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type(text);
  await page.keyboard.press("Enter");
}
