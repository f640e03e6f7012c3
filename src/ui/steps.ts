/** The rail: the state of each card, in a word. */
import { checkCardState } from "./cards/check/check-text.ts";
import { dataCardState } from "./cards/data/summary.ts";
import { downloadCardState } from "./cards/download/files.ts";
import { modelCardState } from "./cards/model/summary.ts";
import { cardState as trainCardState } from "./cards/train/summary.ts";
import { type AppState, CARDS, type CardId, currentCard } from "./state/app-state.ts";

type CardState = "empty" | "loading" | "partial" | "error" | "success";

/** As the kit's rail takes it. */
export interface RailStep {
  readonly id: CardId;
  readonly label: string;
  readonly state: "todo" | "active" | "busy" | "done" | "problem";
  readonly current: boolean;
}

const LABELS: Readonly<Record<CardId, string>> = {
  model: "Model",
  data: "Data",
  train: "Train",
  check: "Check",
  download: "Download",
  runs: "Runs",
};

export function stepsOf(state: AppState): RailStep[] {
  const current = currentCard(state);
  return CARDS.map((id) => ({
    ...{ id, label: LABELS[id], current: id === current },
    state: railState(cardStateOf(id, state), id === current),
  }));
}

function railState(state: CardState, current: boolean): RailStep["state"] {
  if (state === "error") return "problem";
  if (state === "loading") return "busy";
  if (current) return "active";
  return state === "success" ? "done" : "todo";
}

function cardStateOf(id: CardId, state: AppState): CardState {
  switch (id) {
    case "model":
      return modelCardState(state.model, state.model.choice?.kind !== "hub");
    case "data":
      return dataCardState(state.data);
    case "train":
      return trainCardState(state);
    case "check":
      return checkCardState(state);
    case "download":
      return downloadCardState(state);
    case "runs":
      return state.runs.some(({ status }) => status === "interrupted") ? "error" : "empty";
  }
}
