/** Which files of a run are offered, and what the card says of them. Pure. */
import { formatBytes } from "../../../core/units.ts";
import type { ProbeEvent, RunFile, RunState } from "../../../worker/protocol.ts";
import { type AppState, isRunning } from "../../state/app-state.ts";
import { handedOver, VERDICT_WORDS, verdictOf } from "../verdict-words.ts";

/** Before a run, while it is on, good to take, with right files and answers that collapsed, with a failed check, broken off. */
export type Offer = "none" | "running" | "whole" | "collapsed" | "refused" | "failed";

export interface FileRow {
  readonly id: string;
  readonly title: string;
  readonly meaning: string;
  /** Saved one after the other. */
  readonly files: readonly RunFile[];
  readonly button: string;
  /** Null: measured once the card is open; empty: only who takes it learns. */
  readonly size: string | null;
}

export function offerOf(state: AppState): Offer {
  const { phase, outcome } = state.run;
  if (isRunning(state)) return "running";
  if (phase === "failed") return "failed";
  if (phase !== "done") return "none";
  const verdict = outcome ? handedOver(outcome) : "broken";
  if (verdict === "collapsed") return "collapsed";
  return verdict === "broken" ? "refused" : "whole";
}

export function downloadCardState(state: AppState): "empty" | "error" | "success" {
  if (state.problem?.card === "download") return "error";
  const offer = offerOf(state);
  if (offer === "refused" || offer === "failed" || offer === "collapsed") return "error";
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
    case "collapsed":
      return "Its answers have collapsed: look before you take it";
    case "whole":
      return `adapters.safetensors · ${formatBytes(outcome?.adapterBytes ?? 0)} · ${endWords(outcome)}`;
  }
}

type Outcome = RunState["outcome"];

/** "Healthy, 6 of 6 checks passed" */
function endWords(outcome: Outcome): string {
  const verdict = verdictOf(outcome);
  return verdict ? `${VERDICT_WORDS[verdict].word}, ${passedWords(outcome)}` : passedWords(outcome);
}

/** Answers that show what collapsed: of the last round, the worst, each question's once. */
export function collapsedSamples(
  probes: readonly string[],
  answers: readonly ProbeEvent[],
): { readonly question: string; readonly text: string; readonly why: string }[] {
  const last = answers.at(-1)?.step ?? 0;
  const round = new Map(
    answers.filter(({ step }) => step === last && step > 0).map((answer) => [answer.index, answer]),
  );
  const gravest = [...round.values()].sort((a, b) => gravityOf(b) - gravityOf(a));
  const odd = gravest.filter((answer) => gravityOf(answer) > 0);
  // A round can collapse without an odd answer in it: the same one to every question.
  const shown = odd.length > 0 ? odd : gravest;
  return shown.slice(0, SAMPLES).map(({ index, text, health }) => ({
    ...{ question: probes[index] ?? "", text: shortened(text) },
    why: health?.symptoms[0]?.text ?? "",
  }));
}

const GRAVITY = { healthy: 0, suspicious: 1, collapsed: 2 } as const;
/** An answer of an older page has no health. */
const gravityOf = ({ health }: { readonly health?: ProbeEvent["health"] }): number =>
  health ? GRAVITY[health.verdict] : 0;

const SAMPLES = 2;
const SAMPLE_SHOWN = 240;
const shortened = (text: string): string => (text.length <= SAMPLE_SHOWN ? text : `${text.slice(0, SAMPLE_SHOWN)} …`);

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
const GGUF_ROW = "adapter.gguf";

/**
 * What can be saved, the likeliest first. `insisted`: the adapter of a collapsed run as well. A run with a failed check
 * offers its records alone, a failed one its curves.
 */
export function fileRows(run: RunState, offer: Offer, insisted = false): FileRow[] {
  if (offer === "none" || offer === "running" || run.id === null) return [];
  const offered = offer === "whole" || (offer === "collapsed" && insisted);
  const rows = offered && run.outcome ? adapterRows(run.outcome.adapterBytes, offer === "collapsed") : [];
  // GGUF has no place for DoRA's magnitudes.
  const adapter = run.config?.fineTuneType === "dora" ? rows.filter(({ id }) => id !== GGUF_ROW) : rows;
  return [...adapter, ...(offer === "failed" ? [] : [REPORT, RECORD]), ...METRICS];
}

function adapterRows(bytes: number, collapsed: boolean): FileRow[] {
  const size = formatBytes(bytes);
  const named = collapsed
    ? " The names of both say that its answers have collapsed: tools want them without that."
    : "";
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
      meaning: `The adapter without a zip. The browser may ask whether it may save two files.${named}`,
    },
    {
      ...{ id: "peft.zip", title: "The adapter for PEFT", files: ["peft.zip"], size: `about ${size}` },
      button: "Download for PEFT (zip)",
      meaning: "adapter_model.safetensors and its config, for transformers.",
    },
    {
      ...{ id: GGUF_ROW, title: "adapter.gguf", files: ["adapter.gguf"], size: `about ${size}` },
      button: "Download for llama.cpp (GGUF)",
      meaning: "The adapter as llama.cpp and Ollama load it beside a GGUF of the base; no converting.",
    },
    {
      ...{ id: "handoff.zip", title: "The same job for a bigger machine", files: ["handoff.zip"] },
      size: "", // to measure it is to make it
      button: "Continue on a bigger machine…",
      meaning: "A zip with this job for mlx-lm and for TRL, from the adapter so far, and what is not the same there.",
    },
  ];
}

const REPORT: FileRow = {
  ...{ id: "report.html", title: "Run report", files: ["report.html"], button: "Download run report" },
  size: "", // to measure it is to make it whole
  meaning:
    "One page to read, print or send: verdict, certificate, curves, answers and settings. It needs nothing else.",
};

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
