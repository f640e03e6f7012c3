/** What the actions need of the browser; everything here works in each of them, or quietly does nothing. */
import type { NamedBlob } from "../../worker/protocol.ts";
import type { BrowserTools } from "./actions.ts";

/** Hands a file to the browser's downloads, without a save picker. */
function save({ name, blob }: NamedBlob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has its own reference by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Asks the browser not to clear what the page keeps; it may ask the person. */
function keep(): void {
  void navigator.storage?.persist?.().catch(() => false);
}

export const browserTools: BrowserTools = { save, keep };
