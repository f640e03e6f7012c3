/** Titles and explanations of what the dataset doctor can find: those of data/findings.ts, which a test compares. */
import type { Diagnosis } from "../../../worker/protocol.ts";

export type FindingCode = keyof Diagnosis["counts"];

export const FINDING_WORDS: Readonly<Record<FindingCode, { readonly title: string; readonly explanation: string }>> = {
  "nothing-left": { title: "Nothing left to train on", explanation: "No row of this file can be used." },
  "unreadable-row": {
    title: "Unreadable row",
    explanation: "The row breaks the rules of its file format, so nobody can say what it holds.",
  },
  "not-a-record": {
    title: "Unknown columns",
    explanation: "The row has no columns that Lorikeet knows as prompt and answer, messages or text.",
  },
  "preference-data": {
    title: "Preference data",
    explanation: "The row compares a good answer with a bad one; trained as it is, the model would learn both.",
  },
  "unknown-role": {
    title: "Unknown role",
    explanation: "A message comes from somebody other than system, user, assistant or tool.",
  },
  "empty-answer": {
    title: "No answer",
    explanation: "The row has no answer, or an empty one, so there is nothing to learn from it.",
  },
  "bad-field": {
    title: "Field of the wrong kind",
    explanation: "A field holds something other than it should, such as a number where a text belongs.",
  },
  "template-refuses": {
    title: "Refused by the chat template",
    explanation: "The model's own chat template cannot write this conversation down.",
  },
  "foreign-tokens": {
    title: "Tokens of another model",
    explanation: "The row has token ids that are not in this model's vocabulary.",
  },
  "nothing-supervised": {
    title: "Nothing to learn",
    explanation: "No token of the row carries loss, so training on it would change nothing.",
  },
  "answer-cut-off": {
    title: "Cut off before its answer",
    explanation: "The row is longer than the limit, and its answers begin only behind the cut.",
  },
  "too-long": {
    title: "Longer than the limit",
    explanation: "The row is cut at the maximum length; its end, and how it should stop, is not learned.",
  },
  "end-not-learned": {
    title: "The end is not learned",
    explanation: "No end-of-turn token carries loss after an answer, so the model may not learn to stop.",
  },
  "prompt-differs": {
    title: "Trained on another prompt than asked",
    explanation: "The chat template writes the text before this answer differently when the model is asked.",
  },
  duplicate: {
    title: "Duplicate",
    explanation: "The row is the same as an earlier one, so it counts more than others.",
  },
  "in-validation": {
    title: "Also in validation",
    explanation: "The row is in the validation set too, so the validation loss measures memory, not learning.",
  },
  "prompt-in-validation": {
    title: "Prompt also in validation",
    explanation: "The validation set asks the same, with another answer; its loss may look better than it is.",
  },
};
