/** Text from tokens as they come, one at a time, never with half a character. */

import type { Tokenizer } from "./tokenizer.ts";

export interface StreamDecoder {
  /** The text that became certain with this token; empty while a character is incomplete. */
  push(id: number): string;
  /** What is left at the end: U+FFFD for a character that never got its last byte. */
  flush(): string;
}

/** All that a decoder returns, in order, is `tokenizer.decode(ids)`. */
export function createStreamDecoder(
  tokenizer: Tokenizer,
  { skipSpecialTokens = false }: { skipSpecialTokens?: boolean } = {},
): StreamDecoder {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let atStart = tokenizer.dropsLeadingSpace;
  const emit = (text: string) => {
    if (!atStart || text === "") return text;
    atStart = false;
    return text.startsWith(" ") ? text.slice(1) : text;
  };
  return {
    push(id) {
      const bytes = skipSpecialTokens && tokenizer.isSpecial(id) ? null : tokenizer.tokenBytes(id);
      return bytes === null ? "" : emit(decoder.decode(bytes, { stream: true }));
    },
    flush: () => emit(decoder.decode()),
  };
}
