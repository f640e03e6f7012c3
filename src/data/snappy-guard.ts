/**
 * Walks a Snappy stream (https://github.com/google/snappy/blob/main/format_description.txt) without unpacking it. The
 * decoder trusts lengths: one that wraps around sends it backwards and in circles.
 */

import { formatError } from "../core/errors.ts";

/** Throws a FormatError unless the elements of `input` make exactly `length` bytes. */
export function checkSnappy(input: Uint8Array, length: number): void {
  let at = 0;
  while (at < input.length && input[at++]! >= 0x80);
  let made = 0;
  while (at < input.length && made <= length) {
    const { next, count } = element(input, at);
    at = next;
    made += count;
  }
  if (at === input.length && made === length) return;
  throw formatError(
    "a Snappy page does not hold what it promises",
    "The file is damaged. Download or export it again.",
  );
}

/** The place behind the element at `at`, and the number of bytes it makes. */
function element(input: Uint8Array, at: number): { next: number; count: number } {
  const tag = input[at]!;
  const kind = tag & 3;
  if (kind === 1) return { next: at + 2, count: ((tag >> 2) & 7) + 4 };
  if (kind > 1) return { next: at + (kind === 2 ? 3 : 5), count: (tag >> 2) + 1 };
  const short = tag >> 2;
  if (short < 60) return { next: at + 2 + short, count: short + 1 };
  const bytes = short - 59;
  let count = 1;
  for (let i = 0; i < bytes; i++) count += (input[at + 1 + i] ?? 0) * 256 ** i;
  return { next: at + 1 + bytes + count, count };
}
