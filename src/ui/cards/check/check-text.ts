/** What the Check card says and when it can be used. Pure. */
import type { ErrorData } from "../../../core/errors.ts";
import type { RunState } from "../../../worker/protocol.ts";
import { type AppState, type Comparison, isRunning } from "../../state/app-state.ts";

/** Whether there is an adapter to ask: not yet, being trained, trained but unfit, at hand. */
export type Standing = "none" | "running" | "unusable" | "ready";

/** How an answer stands. `stopped`: by the person. */
export type Ending = "writing" | "whole" | "cut" | "stopped" | "missing";

/** More would not fit in a glance. */
const SUGGESTIONS = 4;
const QUESTION_SHOWN = 60;

export function standingOf(state: AppState): Standing {
  const { phase, outcome } = state.run;
  if (isRunning(state)) return "running";
  if (phase === "done") return outcome?.usable ? "ready" : "unusable";
  return phase === "failed" ? "unusable" : "none";
}

export function checkCardState(state: AppState): "empty" | "loading" | "partial" | "error" | "success" {
  const standing = standingOf(state);
  if (state.problem?.card === "check" || standing === "unusable") return "error";
  if (standing !== "ready") return "empty";
  if (state.answering) return "loading";
  return state.comparison || state.chat.length > 0 ? "success" : "partial";
}

/** The card in one line. */
export function checkSummary(state: AppState): string {
  switch (standingOf(state)) {
    case "none":
      return "Base and tuned answer side by side, once trained";
    case "running":
      return "Opens when the run is done";
    case "unusable":
      return "No adapter to ask";
    case "ready":
      return readySummary(state);
  }
}

function readySummary(state: AppState): string {
  const { problem, mix } = state;
  if (problem?.card === "check") return problemTitle(problem.error);
  return mix ? `Mixed · ${askedSummary(state)}` : askedSummary(state);
}

function askedSummary({ answering, comparison, chat }: AppState): string {
  const question = answering === "chat" ? chat.at(-1)?.question : (comparison?.question ?? chat.at(-1)?.question);
  if (answering) return "Answering";
  return question ? `Asked: ${shortened(question)}` : "Ask base and tuned the same question";
}

const shortened = (text: string): string =>
  text.length <= QUESTION_SHOWN ? text : `${text.slice(0, QUESTION_SHOWN - 1).trimEnd()}…`;

/** Questions to begin with: those asked while training, then others of the validation records. */
export function suggestionsOf(run: RunState, questions: readonly string[]): string[] {
  const all = [...run.probes, ...questions].map((text) => text.trim()).filter((text) => text !== "");
  return [...new Set(all)].slice(0, SUGGESTIONS);
}

/** `ended` as the engine says it; null in an answer that nobody makes any more: it broke off. */
export function endingOf(ended: boolean | null | undefined, answering: boolean, stopped: boolean): Ending {
  if (ended === true) return "whole";
  if (ended === false) return stopped ? "stopped" : "cut";
  if (answering) return "writing";
  return stopped ? "stopped" : "missing";
}

/** Under an answer; empty for one that needs no word. `most`: the longest answer, in tokens. */
export function endingWords(ending: Ending, most: number): string {
  switch (ending) {
    case "writing":
      return "Writing…";
    case "whole":
      return "";
    case "cut":
      return `Cut off after ${most} tokens, the longest answer here.`;
    case "stopped":
      return "Stopped by you.";
    case "missing":
      return "Broke off.";
  }
}

/** What a comparison shows, in a sentence; null until both answers are there. `fresh`: new words of the tuned answer. */
export function comparisonWords({ sides }: Comparison, fresh: number): string | null {
  const { base, tuned } = sides;
  if (!base || !tuned || base.ended === null || tuned.ended === null) return null;
  if (base.text === tuned.text) return "Both answers are the same.";
  if (tuned.text === "") return "The tuned model says nothing.";
  if (fresh === 0) return "The tuned answer only leaves words out.";
  return fresh === 1 ? "One word of the tuned answer is new." : `${fresh} words of the tuned answer are new.`;
}

/** What a failed question can be followed by; the first is the likeliest way on. */
export type Remedy = "ask-again" | "open-again" | "reload";

export function remediesFor(error: ErrorData): readonly Remedy[] {
  switch (error.code) {
    // What failed on a GPU is gone from it, the model with its adapter too.
    case "device-lost":
      return ["open-again", "reload"];
    case "out-of-memory":
      return ["open-again"];
    default:
      // The adapter and its model can be put back from what is kept.
      return error.kind === "model" ? ["open-again"] : ["ask-again"];
  }
}

export function problemTitle(error: ErrorData): string {
  switch (error.code) {
    case "device-lost":
      return "The GPU went away";
    case "out-of-memory":
      return "The GPU's memory is full";
    default:
      return "The question was not answered";
  }
}

/** Where the page knows better what to do than the engine's own hint. */
export function problemAdvice(error: ErrorData): string | null {
  switch (error.code) {
    case "device-lost":
      return "The system took it back, as it does after sleep. The run is kept, and its adapter can be loaded again.";
    case "out-of-memory":
      return "Close other tabs and programs that use the GPU, or start a new chat: a long one takes more memory.";
    default:
      return null;
  }
}
