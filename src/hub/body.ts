/** The bodies of answers, read piece by piece so that each byte is counted, a stall is noticed and a pause can hold. */

import { Passing, patiently, type TransferMeter } from "./transfer.ts";

export interface BodyOptions {
  readonly stallMs: number;
  readonly meter?: TransferMeter;
  readonly signal?: AbortSignal;
}

/** Bytes [begin, end) of a file, of which the first `filled` are in `bytes`. */
export interface Piece {
  readonly begin: number;
  readonly end: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  filled: number;
}

export const pieceOf = ({ begin, end }: { begin: number; end: number }): Piece => ({
  begin,
  end,
  bytes: new Uint8Array(end - begin),
  filled: 0,
});

/** A server that ignores Range sends the whole file; beyond this size that is an error instead of a flood. */
const MAX_WHOLE_ANSWER = 64 * 2 ** 20;

async function* parts(response: Response, { stallMs, meter, signal }: BodyOptions): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  while (reader) {
    await meter?.ready(signal);
    const { done, value } = await patiently(reader.read(), stallMs);
    if (done) return;
    meter?.received(value.byteLength);
    yield value;
  }
}

/** The whole body. */
export async function readWhole(response: Response, options: BodyOptions): Promise<Uint8Array<ArrayBuffer>> {
  const all: Uint8Array[] = [];
  for await (const part of parts(response, options)) all.push(part);
  const out = new Uint8Array(all.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of all) {
    out.set(part, at);
    at += part.byteLength;
  }
  return out;
}

/**
 * The rest of `piece`: an answer to a Range request for what is missing. Throws `Passing` when it is of another length.
 * What a broken answer brought stays only when it promised the right length: an answer to something else must not.
 */
export async function readPiece(
  response: Response,
  piece: Piece,
  options: BodyOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const wanted = piece.bytes.byteLength;
  const before = piece.filled;
  const promised = Number(response.headers.get("Content-Length") ?? -1);
  try {
    for await (const part of parts(response, options)) {
      const end = piece.filled + part.byteLength;
      if (end > wanted) throw new Passing(`expected ${wanted} bytes, got more`);
      piece.bytes.set(part, piece.filled);
      piece.filled = end;
    }
    if (piece.filled < wanted) throw new Passing(`expected ${wanted} bytes, got ${piece.filled}`);
  } catch (error) {
    if (promised !== wanted - before) piece.filled = before;
    throw error;
  }
  return piece.bytes;
}

/** `piece` cut out of the whole file, which a server that knows no Range sends; `tooLong` makes the error for a large one. */
export async function readPart(
  response: Response,
  { begin, end }: Piece,
  options: BodyOptions,
  tooLong: () => Error,
): Promise<Uint8Array<ArrayBuffer>> {
  const length = Number(response.headers.get("Content-Length") ?? end);
  if (Math.max(length, end) > MAX_WHOLE_ANSWER) throw tooLong();
  const bytes = await readWhole(response, options);
  if (bytes.byteLength < end) throw new Passing(`expected at least ${end} bytes, got ${bytes.byteLength}`);
  return bytes.slice(begin, end);
}
