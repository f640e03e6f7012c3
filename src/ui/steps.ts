/** The rail: each card's part of the journey, in a word. */
import type { Step, StepState } from "./kit/page-frame.tsx";
import { type AppState, type CardId, currentCard, isRunning } from "./state/app-state.ts";

const LABELS: Readonly<Record<CardId, string>> = {
  model: "Model",
  data: "Data",
  train: "Train",
  check: "Check",
  download: "Download",
  runs: "Runs",
};

export function stepsOf(state: AppState): Step[] {
  const current = currentCard(state);
  return (Object.keys(LABELS) as CardId[]).map((id) => ({
    id,
    label: LABELS[id],
    state: stateOf(id, state, id === current),
  }));
}

function stateOf(id: CardId, state: AppState, current: boolean): StepState {
  const { model, data, run, runs } = state;
  const otherwise = current ? "active" : "todo";
  switch (id) {
    case "model":
      if (model.phase === "failed") return "problem";
      if (model.phase === "reading" || model.phase === "loading") return "busy";
      return model.phase === "none" || model.phase === "paused" ? otherwise : "done";
    case "data":
      if (data.phase === "failed" || data.error) return "problem";
      if (data.phase === "reading" || data.phase === "checking") return "busy";
      return data.phase === "ready" ? "done" : otherwise;
    case "train":
      if (run.phase === "failed" || run.outcome?.usable === false) return "problem";
      if (isRunning(state)) return "busy";
      return run.phase === "done" ? "done" : otherwise;
    case "check":
    case "download":
      return otherwise;
    case "runs":
      return runs.some(({ status }) => status === "interrupted") ? "problem" : otherwise;
  }
}
