/** What the journeys do on the page, in the words of a person. */

import type { Page } from "playwright-core";
import { expect } from "vitest";
import type { AppState, CardId } from "../../src/ui/state/app-state.ts";
import type { Curves } from "../../src/ui/state/curves.ts";
import type { Store } from "../../src/ui/state/store.ts";
import type { Engine } from "../../src/worker/protocol.ts";

/** What main.tsx leaves for the console. */
export interface Console {
  readonly lorikeet: { readonly engine: Engine; readonly store: Store<AppState>; readonly curves: Curves };
}

export const stateOf = <T>(page: Page, select: (state: AppState) => T): Promise<T> =>
  page.evaluate<T>(`(${select})(globalThis.lorikeet.store.get())`);

/** Resolves when the state satisfies it; the page's policy forbids the driver's own way of waiting. */
export async function untilState(page: Page, wanted: (state: AppState) => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (!(await stateOf(page, wanted).catch(() => false))) {
    if (performance.now() < deadline) await page.waitForTimeout(50);
    else throw new Error(`waited in vain for ${wanted}; the state is ${await summary(page)}`);
  }
}

const PATIENCE = 600_000;

const summary = (page: Page): Promise<string> =>
  stateOf(page, ({ model, data, run, problem, step }) =>
    JSON.stringify({ model, data: data.error, run, problem, step }),
  );

/** Model and data are there, nothing is on its way. */
export const untilReady = (page: Page): Promise<void> =>
  untilState(page, ({ model, data }) => model.phase === "ready" && data.phase === "ready");

/** Opens a card that is closed. */
export async function openCard(page: Page, id: CardId): Promise<void> {
  const head = page.locator(`[data-card=${id}] h2 button`);
  if ((await head.getAttribute("aria-expanded")) !== "true") await head.click();
}

export const card = (page: Page, id: CardId) => page.locator(`[data-card=${id}]`);

/** The losses so far, as the chart has them. */
export const lossesOf = (page: Page): Promise<number[]> =>
  page.evaluate(() => {
    const { y, count } = (globalThis as unknown as Console).lorikeet.curves.points("loss");
    return [...y.subarray(0, count)];
  });

/** The last five losses lie below the first three. */
export function expectFalling(losses: readonly number[]): void {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(mean(losses.slice(-5))).toBeLessThan(mean(losses.slice(0, 3)));
}

/** Long tasks and changes of the state since `begin`, for what the main thread may do while training. */
export async function watchMainThread(
  page: Page,
): Promise<() => Promise<{ longest: number; changesPerSecond: number }>> {
  await page.evaluate(() => {
    const { store } = (globalThis as unknown as Console).lorikeet;
    const seen = { longest: 0, changes: 0, since: performance.now() };
    const note = (list: PerformanceObserverEntryList) => {
      for (const { duration } of list.getEntries()) seen.longest = Math.max(seen.longest, duration);
    };
    new PerformanceObserver(note).observe({ type: "longtask" });
    store.subscribe(() => {
      seen.changes += 1;
    });
    Object.assign(globalThis, { mainThread: seen });
  });
  return () =>
    page.evaluate(() => {
      const { longest, changes, since } = (
        globalThis as unknown as { mainThread: { longest: number; changes: number; since: number } }
      ).mainThread;
      return { longest, changesPerSecond: (1000 * changes) / (performance.now() - since) };
    });
}
