/**
 * Looks for the one thing in a damaged Zstandard frame (RFC 8878) that sends fzstd in circles: a table of Huffman weights
 * in which a single symbol has all the probability, so that reading a weight takes no bits and never comes to an end.
 * Everything else that is wrong with a frame ends in an error there.
 */

import { formatError } from "../core/errors.ts";

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const DICTIONARY_BYTES = [0, 1, 2, 4];

/** Throws a FormatError for a frame with such a table; stops without a word at what is no frame at all. */
export function checkZstd(input: Uint8Array): void {
  let at = 0;
  while (MAGIC.every((byte, i) => input[at + i] === byte)) {
    const flags = input[at + 4] ?? 0;
    const single = (flags >> 5) & 1;
    const sizeBytes = flags >> 6 === 0 ? single : 1 << (flags >> 6);
    at += 6 - single + DICTIONARY_BYTES[flags & 3]! + sizeBytes;
    for (let last = 0; last === 0 && at + 3 <= input.length; ) {
      const header = input[at]! | (input[at + 1]! << 8) | (input[at + 2]! << 16);
      const kind = (header >> 1) & 3;
      last = header & 1;
      at += 3;
      if (kind === 2) checkLiterals(input, at);
      at += kind === 1 ? 1 : header >> 3;
    }
    at += (flags >> 2) & 1 ? 4 : 0;
  }
}

/** `at`: where a compressed block begins, with the header of its literals. */
function checkLiterals(input: Uint8Array, at: number): void {
  const header = input[at] ?? 0;
  if ((header & 3) !== 2) return;
  const weights = at + Math.max(3, ((header >> 2) & 3) + 2);
  if ((input[weights] ?? 255) < 128 && hasSingleSymbol(input, weights + 1)) {
    throw formatError("a Zstandard page is damaged", "Download or export the file again.");
  }
}

/** Whether the first symbol with a probability above zero has all of it, in the table of weights at `begin`. */
function hasSingleSymbol(input: Uint8Array, begin: number): boolean {
  let bit = begin * 8;
  const read = (count: number) => {
    const byte = bit >> 3;
    const word = (input[byte] ?? 0) | ((input[byte + 1] ?? 0) << 8) | ((input[byte + 2] ?? 0) << 16);
    bit += count;
    return (word >> ((bit - count) & 7)) & ((1 << count) - 1);
  };
  const size = 1 << (read(4) + 5);
  // Values from 0 to size + 1 in as few bits as will do; the smallest ones take one bit less.
  const bits = 31 - Math.clz32(size + 1);
  const short = (1 << (bits + 1)) - 1 - (size + 1);
  for (let symbol = 0; symbol < 256; symbol++) {
    const low = read(bits);
    const long = low >= short;
    const value = long && read(1) === 1 ? low + (1 << bits) - short : low;
    if (value !== 1) return value - 1 === size;
    for (let repeat = read(2); repeat === 3; ) repeat = read(2);
  }
  return false;
}
