/** Hands a file to the browser's downloads; works everywhere, without a save picker. */
import type { NamedBlob } from "../../worker/protocol.ts";

export function saveFile({ name, blob }: NamedBlob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has its own reference by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
