/**
 * GET with patience: retries what may pass (network failures, 5xx), explains what will not (401, 403, 404, 429).
 * Plain GETs with at most a Range header, so that no CORS preflight is needed on the Hub's download hosts.
 */

import { LorikeetError, modelError } from "../core/errors.ts";

export interface HttpOptions {
  readonly fetch: typeof fetch;
  /** Read token; sent as Authorization, and only then. */
  readonly token?: string;
  readonly signal?: AbortSignal;
  /** Tries per request. */
  readonly attempts: number;
  /** Wait before the second try; doubles with each further one. */
  readonly retryDelayMs: number;
}

/** Bytes [begin, end) of a resource. */
export interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

/** A server that ignores Range sends the whole file; beyond this size that is an error instead of a flood. */
const MAX_WHOLE_ANSWER = 64 * 2 ** 20;

/** A failure worth another try. */
class Passing extends Error {}

/** Every try failed: no network, or a server that is down. */
export class NoAnswerError extends LorikeetError {}

/**
 * GETs `url`, or the given range of it, whole.
 * @param what for messages: "org/model/config.json".
 * @throws ModelError with a hint; an aborted signal's own reason.
 */
export async function getBytes(
  url: string,
  what: string,
  options: HttpOptions,
  range?: ByteRange,
): Promise<Uint8Array<ArrayBuffer>> {
  let failure = "";
  for (let attempt = 0; attempt < options.attempts; attempt++) {
    if (attempt > 0) await sleep(options.retryDelayMs * 2 ** (attempt - 1), options.signal);
    try {
      return await getOnce(url, what, options, range);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (error instanceof LorikeetError) throw error;
      failure = error instanceof Error ? causeText(error) : String(error);
    }
  }
  throw new NoAnswerError(
    "model",
    `${what}: expected an answer from ${new URL(url).host}, got none in ${options.attempts} tries (${failure})`,
    "Check the connection and try again: what has arrived is kept. A folder on this machine needs no network.",
  );
}

async function getOnce(
  url: string,
  what: string,
  options: HttpOptions,
  range?: ByteRange,
): Promise<Uint8Array<ArrayBuffer>> {
  const headers = new Headers();
  if (options.token !== undefined) headers.set("Authorization", `Bearer ${options.token}`);
  if (range !== undefined) headers.set("Range", `bytes=${range.begin}-${range.end - 1}`);
  const response = await options.fetch(url, { headers, ...(options.signal ? { signal: options.signal } : {}) });
  if (!response.ok) throw await refusal(response, what, options);
  if (range !== undefined && response.status === 200) return cutOut(response, what, range);
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (range !== undefined && bytes.byteLength !== range.end - range.begin) {
    throw new Passing(`expected ${range.end - range.begin} bytes, got ${bytes.byteLength}`);
  }
  return bytes;
}

/** Status 200 to a Range request: the body is the whole file. */
async function cutOut(response: Response, what: string, range: ByteRange): Promise<Uint8Array<ArrayBuffer>> {
  const length = Number(response.headers.get("Content-Length") ?? range.end);
  if (Math.max(length, range.end) > MAX_WHOLE_ANSWER) {
    await response.body?.cancel();
    throw modelError(`${what}: expected a part of the file, got all of it: the server does not serve ranges`);
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  if (bytes.byteLength < range.end) throw new Passing(`expected at least ${range.end} bytes, got ${bytes.byteLength}`);
  return bytes.slice(range.begin, range.end);
}

async function refusal(response: Response, what: string, options: HttpOptions): Promise<Error> {
  await response.body?.cancel();
  const { status } = response;
  if (status >= 500 || status === 408) return new Passing(`status ${status}`);
  return modelError(`${what}: expected the file, got status ${status}`, hintFor(status, options.token !== undefined));
}

function hintFor(status: number, hasToken: boolean): string {
  switch (status) {
    case 401:
      return hasToken
        ? "The token was not accepted: it may have expired, or the name is wrong (the Hub hides what a token cannot see)."
        : "The name is wrong, or the model is private or gated: then pass a read token of an account that has access.";
    case 403:
      return "The model is gated: accept its terms on its Hub page, and use a token that may read gated models.";
    case 404:
      return "There is no such model, revision or file: check the spelling, capital letters included.";
    case 429:
      return `Too many requests: wait a few minutes${hasToken ? "" : ", or pass a token, which raises the limit"}.`;
    default:
      return "The server refused; try again later or choose another revision.";
  }
}

/** undici says only "fetch failed" and keeps the reason (ECONNREFUSED, …) in `cause`. */
function causeText(error: Error): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
