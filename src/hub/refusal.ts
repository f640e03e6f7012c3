/** What a status other than success means, and what to do about it. */

import { type ErrorCode, modelError } from "../core/errors.ts";
import { Passing } from "./transfer.ts";

/** The error for an answer that is not the file: `Passing` when it may be there later, else a ModelError with a hint. */
export async function refusal(response: Response, what: string, hasToken: boolean): Promise<Error> {
  await response.body?.cancel();
  const { status } = response;
  if (status >= 500 || status === 408) return new Passing(`status ${status}`);
  return modelError(`${what}: expected the file, got status ${status}`, hintFor(status, hasToken), CODES[status]);
}

const CODES: Readonly<Record<number, ErrorCode>> = { 401: "gated", 403: "gated", 404: "not-found" };

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
