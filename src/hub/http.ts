/**
 * GET with patience: retries what may pass (a cut or stalled connection, 5xx), explains what will not (401, 403, 404, 429).
 * Plain GETs with at most a Range header, so that no CORS preflight is needed on the Hub's download hosts.
 */

import { LorikeetError, modelError } from "../core/errors.ts";
import { type Piece, pieceOf, readPart, readPiece, readWhole } from "./body.ts";
import { refusal } from "./refusal.ts";
import { causeText, patiently, sleep, type TransferMeter } from "./transfer.ts";

export interface HttpOptions {
  readonly fetch: typeof fetch;
  /** Read token; sent as Authorization, and only then. */
  readonly token?: string;
  readonly signal?: AbortSignal;
  /** Tries per request; a ranged one that brought a good piece before it broke does not count. */
  readonly attempts: number;
  /** Wait before the second try; doubles with each further one. */
  readonly retryDelayMs: number;
  /** A connection that brings no byte for so long counts as broken. */
  readonly stallMs: number;
  /** Told what arrives; may hold everything back. */
  readonly meter?: TransferMeter;
}

/** Bytes [begin, end) of a resource. */
export interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

/** So much in one try is progress, however often the line breaks. */
const PROGRESS_BYTES = 2 ** 16;

/** Every try failed: no network, or a server that is down. */
export class NoAnswerError extends LorikeetError {}

/**
 * GETs `url`, or the given range of it, whole. What a broken try of a range brought is kept for the next.
 * @param what for messages: "org/model/config.json".
 * @throws ModelError with a hint; an aborted signal's own reason.
 */
export async function getBytes(
  url: string,
  what: string,
  options: HttpOptions,
  range?: ByteRange,
): Promise<Uint8Array<ArrayBuffer>> {
  const done = options.meter?.begin();
  try {
    return await tryUntilWhole(url, what, options, range && pieceOf(range));
  } finally {
    done?.();
  }
}

async function tryUntilWhole(url: string, what: string, options: HttpOptions, piece: Piece | undefined) {
  let failure = "";
  for (let failures = 0; failures < options.attempts; ) {
    if (failures > 0) await sleep(options.retryDelayMs * 2 ** (failures - 1), options.signal);
    await options.meter?.ready(options.signal);
    const before = piece?.filled ?? 0;
    try {
      return await getOnce(url, what, options, piece);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof LorikeetError) throw error;
      failure = causeText(error);
      failures = (piece?.filled ?? 0) - before >= PROGRESS_BYTES ? 1 : failures + 1;
    }
  }
  throw new NoAnswerError(
    "model",
    `${what}: expected an answer from ${new URL(url).host}, got none in ${options.attempts} tries (${failure})`,
    "Check the connection and try again: what has arrived is kept. A folder on this machine needs no network.",
    "offline",
  );
}

async function getOnce(url: string, what: string, options: HttpOptions, piece: Piece | undefined) {
  const stop = new AbortController();
  const forward = () => stop.abort(options.signal?.reason);
  options.signal?.addEventListener("abort", forward);
  try {
    options.signal?.throwIfAborted();
    const asked = options.fetch(url, { headers: headersFor(options, piece), signal: stop.signal });
    const response = await patiently(asked, options.stallMs);
    if (!response.ok) throw await refusal(response, what, options.token !== undefined);
    if (piece === undefined) return await readWhole(response, options);
    if (response.status !== 200) return await readPiece(response, piece, options);
    return await readPart(response, piece, options, () =>
      modelError(`${what}: expected a part of the file, got all of it: the server does not serve ranges`),
    );
  } catch (error) {
    stop.abort(error); // a broken answer must not go on arriving
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", forward);
  }
}

function headersFor({ token }: HttpOptions, piece: Piece | undefined): Headers {
  const headers = new Headers();
  if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
  if (piece !== undefined) headers.set("Range", `bytes=${piece.begin + piece.filled}-${piece.end - 1}`);
  return headers;
}
