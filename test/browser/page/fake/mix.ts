/** Invented runs to mix, a mix of two of them, and an engine that mixes all but DoRA. */
import { LorikeetError } from "../../../../src/core/errors.ts";
import type {
  EngineEvent,
  MixFile,
  MixLoss,
  MixPart,
  MixState,
  NamedBlob,
  RunSummary,
} from "../../../../src/worker/protocol.ts";

const MORNING = new Date(new Date().setHours(9, 12, 0, 0)).getTime();
const DAY = 86_400_000;

const summary = (id: string, rest: Partial<RunSummary>): RunSummary => ({
  ...{ id, title: "Built-in demo on Sample dataset", model: { kind: "demo" }, modelTitle: "Built-in demo" },
  ...{ dataTitle: "Sample dataset", began: MORNING, status: "finished", doneSteps: 64, totalSteps: 64, savedStep: 64 },
  ...{ lastLoss: 1.42, bestLoss: 1.55, resumable: false, usable: true, verdict: "healthy", bytes: 2_140_000 },
  ...rest,
});

/** run-1 is the shown one; run-4 has no adapter to hand out, run-5 another base. */
export const MIX_RUNS: readonly RunSummary[] = [
  summary("run-3", { title: "A magnitude too many on Built-in demo", began: MORNING - 9 * DAY, lastLoss: 1.6 }),
  summary("run-2", { began: MORNING - DAY, doneSteps: 20, totalSteps: 20, lastLoss: 2.27, status: "stopped" }),
  summary("run-1", {}),
  summary("run-4", { usable: false, verdict: "collapsed" }),
  summary("run-5", { title: "Letters", model: { kind: "hub", id: "org/other" }, modelTitle: "org/other" }),
];

const stateOf = (parts: readonly MixPart[]): MixState => ({
  parts: parts.map((part) => {
    const { title, began } = MIX_RUNS.find(({ id }) => id === part.id)!;
    return { ...part, title, began };
  }),
  ...{ rank: 8 * parts.length, largest: 8 },
});

export const MIX = stateOf([
  { id: "run-1", weight: 1 },
  { id: "run-2", weight: -0.5 },
]);

const LOSS: MixLoss = {
  ...{ rank: 8, error: 0.124, bytes: 502_000 },
  worst: { module: "model.layers.2.self_attn.v_proj", error: 0.31 },
};

/** `tell`: what the engine says by itself. */
export const mixing = (tell: (event: EngineEvent) => void) => ({
  mixAdapters(parts: readonly MixPart[]): void {
    if (parts.some(({ id }) => id === "run-3")) {
      throw new LorikeetError(
        "model",
        "A magnitude too many on Built-in demo: DoRA's magnitudes are lengths of rows of W + B·A, which have no sum",
        "Fuse it into its base, and train or combine the others on that.",
      );
    }
    const alone = parts.length === 1 && parts[0]!.id === "run-1" && parts[0]!.weight === 1;
    tell({ type: "mix", state: alone ? null : stateOf(parts) });
  },
  mixLoss: (rank: number | null): MixLoss =>
    rank === null || rank >= 16 ? { rank: 16, error: 0, worst: null, bytes: 1_004_000 } : { ...LOSS, rank },
  mixFile: (file: MixFile): NamedBlob => ({ name: `mix-${file}`, blob: new Blob(["mix"]) }),
});
