/** Which files of a run are offered, and what the card says of them. Pure. */
import { formatBytes } from "../../../core/units.ts";
import type { RunFile, RunState } from "../../../worker/protocol.ts";
import { type AppState, isRunning } from "../../state/app-state.ts";

/** Before a run, while it is on, with every check passed, with a failed one, broken off by an error. */
export type Offer = "none" | "running" | "whole" | "refused" | "failed";

export interface FileRow {
  readonly id: string;
  readonly title: string;
  readonly meaning: string;
  /** Saved one after the other. */
  readonly files: readonly RunFile[];
  readonly button: string;
  /** Null: measured once the card is open. */
  readonly size: string | null;
}

export function offerOf(state: AppState): Offer {
  const { phase, outcome } = state.run;
  if (isRunning(state)) return "running";
  if (phase === "failed") return "failed";
  if (phase !== "done") return "none";
  return outcome?.usable ? "whole" : "refused";
}

export function downloadCardState(state: AppState): "empty" | "error" | "success" {
  if (state.problem?.card === "download") return "error";
  const offer = offerOf(state);
  if (offer === "refused" || offer === "failed") return "error";
  return offer === "whole" ? "success" : "empty";
}

/** The card in one line. */
export function downloadSummary(state: AppState): string {
  const { outcome } = state.run;
  switch (offerOf(state)) {
    case "none":
      return "adapters.safetensors, once trained";
    case "running":
      return "Opens when the run is done";
    case "failed":
      return "The run ended without an adapter";
    case "refused":
      return `${failedWords(outcome)}: the adapter is not offered`;
    case "whole":
      return `adapters.safetensors · ${formatBytes(outcome?.adapterBytes ?? 0)} · ${passedWords(outcome)}`;
  }
}

type Outcome = RunState["outcome"];

/** "4 of 4 checks passed" */
export function passedWords(outcome: Outcome): string {
  const checks = outcome?.checks ?? [];
  return `${checks.filter(({ passed }) => passed).length} of ${checks.length} checks passed`;
}

/** "1 check failed" */
export function failedWords(outcome: Outcome): string {
  const failed = (outcome?.checks ?? []).filter(({ passed }) => !passed).length;
  return `${failed} ${failed === 1 ? "check" : "checks"} failed`;
}

/** The row of the one primary button. */
export const MLX_ROW = "mlx.zip";

/** What can be saved, the likeliest first. A run with a failed check offers its records alone, a failed one its curves. */
export function fileRows(run: RunState, offer: Offer): FileRow[] {
  if (offer === "none" || offer === "running" || run.id === null) return [];
  const adapter = offer === "whole" && run.outcome ? adapterRows(run.outcome.adapterBytes) : [];
  return [...adapter, ...(offer === "failed" ? [] : [RECORD]), ...METRICS];
}

function adapterRows(bytes: number): FileRow[] {
  const size = formatBytes(bytes);
  return [
    {
      ...{ id: MLX_ROW, title: "Everything for mlx-lm", files: ["mlx.zip"], size: `about ${size}` },
      button: "Download for mlx-lm (zip)",
      meaning: "adapters.safetensors, adapter_config.json, run.json and metrics.jsonl.",
    },
    {
      ...{ id: "pair", title: "adapters.safetensors and adapter_config.json", size },
      files: ["adapters.safetensors", "adapter_config.json"],
      button: "Download both files",
      meaning: "The adapter without a zip. The browser may ask whether it may save two files.",
    },
    {
      ...{ id: "peft.zip", title: "The adapter for PEFT", files: ["peft.zip"], size: `about ${size}` },
      button: "Download for PEFT (zip)",
      meaning: "adapter_model.safetensors and its config, for transformers, llama.cpp and Ollama.",
    },
  ];
}

const RECORD: FileRow = {
  ...{ id: "run.json", title: "run.json", files: ["run.json"], button: "Download run.json", size: null },
  meaning: "Every setting, the device, the data report and the checks.",
};

const METRICS: readonly FileRow[] = [
  {
    ...{ id: "metrics.csv", title: "Metrics as CSV", files: ["metrics.csv"], button: "Download CSV", size: null },
    meaning: "Loss, gradient norm, learning rate and speed of every update, for a spreadsheet.",
  },
  {
    ...{ id: "metrics.jsonl", title: "Metrics as JSON lines", files: ["metrics.jsonl"], button: "Download JSONL" },
    ...{ size: null, meaning: "The same, one update a line." },
  },
];
