/** What can be done about a run that failed, by the error's code. Pure. */
import type { ErrorData } from "../../../core/errors.ts";
import type { TrainConfig } from "../../../train/config.ts";
import { type Advice, memoryAdvice, smallerUpdate } from "./memory-advice.ts";

export interface Remedy {
  readonly title: string;
  /** What happened and what is kept, in a sentence. */
  readonly text: string;
  /** Going on from the last checkpoint makes sense. */
  readonly goOn: boolean;
  /** Nothing was saved, and starting anew as it was makes sense. */
  readonly again: boolean;
  /** Changes of knobs that would help; the run then starts anew. */
  readonly advice: readonly Advice[];
  /** The cards where the remedy is, if it is not here. */
  readonly cards: readonly { readonly id: "model" | "data" | "runs"; readonly label: string }[];
}

export interface Failed {
  /** The knobs of the run. */
  readonly config: TrainConfig | null;
  /** There is a checkpoint to go on from. */
  readonly saved: boolean;
  /** False when the run was refused before it began. */
  readonly began: boolean;
}

export const UPDATE_TOO_LARGE = "An update is too large for this GPU";

export function remedyFor(error: ErrorData, { config, saved, began }: Failed): Remedy {
  const plain = { goOn: saved, again: false, advice: [], cards: [] };
  switch (error.code) {
    case "device-lost":
      return {
        ...{ ...plain, again: !saved, title: "The GPU went away" },
        text: `The system took it back, as it does after sleep or when another program needs it. ${keptWords(saved)}`,
      };
    case "out-of-memory":
      return {
        ...{ ...plain, goOn: false, title: "The GPU's memory is full" },
        text: "One update needed more than this device could give. Either change below makes it smaller; the run then begins anew.",
        advice: config ? memoryAdvice(config, config.checkpointing === "on").slice(0, 2) : [],
      };
    case "update-too-large":
      return {
        ...{ ...plain, goOn: false, title: UPDATE_TOO_LARGE },
        text: "A buffer of this GPU holds only so much, however much memory is free. Either change below makes an update smaller.",
        advice: config ? smallerUpdate(config) : [],
      };
    case "model-too-large":
      return {
        ...{ ...plain, goOn: false, title: "The model is too large for this device" },
        text: "A smaller one of the same family usually does.",
        cards: [{ id: "model", label: "Choose a smaller model" }],
      };
    case "storage-full":
      return {
        ...{ ...plain, again: !saved, title: "There is no room left to save to" },
        text: `Delete earlier runs or kept models, then ${saved ? "go on" : "try again"}. ${keptWords(saved)}`,
        cards: [
          { id: "runs", label: "Delete earlier runs" },
          { id: "model", label: "Delete kept models" },
        ],
      };
    case "bad-dataset":
      return {
        ...{ ...plain, goOn: false, title: "The dataset cannot be trained on" },
        text: "The Data card lists every problem with its line.",
        cards: [{ id: "data", label: "Look at the data" }],
      };
    case "offline":
      return {
        ...{ ...plain, again: !saved, title: "The model could not be loaded" },
        text: "The network does not answer. What was downloaded is kept.",
        cards: [{ id: "model", label: "Look at the model" }],
      };
    default:
      if (!began) return { ...plain, goOn: false, title: "Training could not start", text: "" };
      return { ...plain, title: "Training stopped", text: keptWords(saved) };
  }
}

const keptWords = (saved: boolean): string =>
  saved ? "What was learnt up to the last saved update is kept." : "Nothing had been saved yet.";
