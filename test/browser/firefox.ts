/** The installed Firefox, as its maker ships it: Playwright drives only a Firefox of its own, Puppeteer also this one. */
import { existsSync } from "node:fs";
import type { Driver } from "./driver.ts";

const PLACES = [
  "/usr/bin/firefox-esr",
  "/usr/bin/firefox",
  "/Applications/Firefox.app/Contents/MacOS/firefox",
  "C:/Program Files/Mozilla Firefox/firefox.exe",
];

/** Nothing leaves the machine: other hosts are behind a proxy that is not there. */
const NOWHERE = {
  "network.proxy.type": 1,
  "network.proxy.ssl": "127.0.0.1",
  "network.proxy.ssl_port": 9,
};

const executable = (): string | undefined => PLACES.find((file) => existsSync(file));

/** Why there is no Firefox here, or null. */
export const firefoxMissing = (): string | null => (executable() ? null : "it is not installed");

export async function startFirefox(): Promise<Driver> {
  const { launch } = await import("puppeteer-core");
  const browser = await launch({
    browser: "firefox",
    executablePath: `${executable()}`,
    headless: true,
    extraPrefsFirefox: NOWHERE,
  });
  const page = await browser.newPage();
  return {
    version: await browser.version(),
    goto: async (url) => void (await page.goto(url)),
    evaluate: <T>(expression: string) => page.evaluate(expression) as Promise<T>,
    close: () => browser.close(),
  };
}
