/** Each way a model can fail, in its own words and with its own way on. Pure: the card makes buttons of it. */
import type { ErrorData } from "../../../core/errors.ts";
import type { ModelChoice } from "../../../worker/protocol.ts";

/** What a button of a failure does. */
export type Remedy = "load-again" | "choose-again" | "smaller" | "catalogue" | "token" | "change-id" | "free-space";

export interface Failure {
  readonly title: string;
  /** Sentences under the engine's own message. */
  readonly advice: readonly string[];
  /** The first is the likeliest way on. */
  readonly remedies: readonly Remedy[];
}

/**
 * @param begun config and tokenizer were read, so it failed while the weights were loading
 * @param source "folder" for a model that was dropped
 */
export function failureOf(error: ErrorData, begun: boolean, source: ModelChoice["kind"] | undefined): Failure {
  const again: Remedy = begun ? "load-again" : "choose-again";
  if (error.code === "not-found" && source === "folder") {
    return { title: "This folder is not kept in this browser", advice: [], remedies: ["choose-again", "catalogue"] };
  }
  switch (error.code) {
    case "gated":
      return { title: failureTitle(error), advice: [], remedies: ["token", "change-id"] };
    case "not-found":
      return { title: failureTitle(error), advice: [], remedies: ["change-id", "catalogue"] };
    case "offline":
      return {
        title: begun ? "The download broke off" : failureTitle(error),
        advice: begun ? ["What has arrived is kept; the download goes on from there."] : [],
        remedies: [again],
      };
    case "storage-full":
      return {
        title: failureTitle(error),
        advice: ["Delete models that you no longer need, then try again."],
        remedies: ["free-space", again],
      };
    case "model-too-large":
      return {
        title: failureTitle(error),
        advice: ["With 8 or 4 bits for its weights, to be picked before it is loaded, it takes half or a quarter."],
        remedies: ["smaller", "catalogue"],
      };
    case "out-of-memory":
      return {
        title: failureTitle(error),
        advice: ["Close other tabs and programs that use the GPU and try again, or take a smaller model."],
        remedies: ["load-again", "smaller"],
      };
    case "device-lost":
      return {
        title: failureTitle(error),
        advice: ["The system restarted or took away the GPU. Nothing on disk is lost."],
        remedies: ["load-again"],
      };
    default:
      return { title: failureTitle(error), advice: [], remedies: [again, "catalogue"] };
  }
}

/** The Hub answers 401 to nobody and to a token it does not know, and 403 to an account without access. */
function gatedTitle({ message, hint = "" }: ErrorData): string {
  if (message.endsWith("status 403")) return "This account has not been given access to the model";
  if (hint.startsWith("The token was not accepted")) return "The Hub did not accept the token";
  return "The Hub wants a token for this model";
}

/** What happened, in a few words; for errors without a code the first line of the message. */
export function failureTitle(error: ErrorData): string {
  switch (error.code) {
    case "gated":
      return gatedTitle(error);
    case "not-found":
      return "There is no such model on the Hub";
    case "offline":
      return "The model could not be reached";
    case "storage-full":
      return "No room left to keep the model";
    case "model-too-large":
      return "This model is too large for this computer";
    case "out-of-memory":
      return "The GPU ran out of memory";
    case "device-lost":
      return "The connection to the GPU was lost";
    default:
      return error.kind === "config" ? "This is not the name of a model" : "This model cannot be used";
  }
}
