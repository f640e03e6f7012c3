/** The same fine-tuning in the engine and in mlx-lm, one after the other: the same model, records and settings. */
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { configError } from "../../../core/errors.ts";
import { readDataset } from "../../../data/dataset.ts";
import { resolveConfig, type TrainConfig } from "../../../train/config.ts";
import type { TrainingSession } from "../../../train/session.ts";
import { openDatasetFiles } from "../../node/dataset-files.ts";
import type { CompareOptions } from "./compare-products.ts";
import { findMlx, type MlxReport, runMlx } from "./mlx-program.ts";

export interface MlxInput {
  readonly session: TrainingSession;
  /** As mlx-lm finds the model: a folder, or org/name. */
  readonly model: string;
  /** A folder with train.jsonl and valid.jsonl. */
  readonly data: string;
  /** Updates in one window of time. */
  readonly window: number;
}

export interface MlxSide {
  /** Tokens that carry loss, in the best window but the first, which compiles. */
  readonly tokensPerSecond: number;
  readonly iterationsPerSecond: number;
  /** Mean of each window. */
  readonly losses: readonly number[];
}

export interface MlxComparison {
  readonly ours: MlxSide;
  readonly theirs: MlxSide & { readonly peakGigabytes: number };
  /** Our tokens/s over theirs. */
  readonly ratio: number;
}

const LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj"].map((name) => `self_attn.${name}`);
const KEYS = [...LINEARS, ...["gate_proj", "up_proj", "down_proj"].map((name) => `mlp.${name}`)];

/** Throws ConfigError where mlx-lm is missing or the data is not a folder as it wants it. */
export async function compareMlx(input: MlxInput, options: CompareOptions): Promise<MlxComparison> {
  const { signal, onProgress, rounds } = options;
  onProgress("looking for mlx-lm");
  const command = await findMlx(signal);
  await checkFolder(input.data);
  const config = resolveConfig(
    {
      ...{ rank: 8, alpha: 16, numLayers: -1, batchSize: 8, learningRate: 1e-4, lrSchedule: "constant", warmup: 0 },
      // The first window compiles.
      ...{ steps: input.window * (rounds + 1), stepsPerEval: 0, saveEvery: 0, valBatches: 1 },
      // mlx-lm masks otherwise than the engine does; without masks the tokens are the same.
      ...{ maskPrompt: false, maxGradNorm: 0, checkpointing: "off" },
    },
    "bench",
  );
  onProgress("fine-tuning in this engine");
  const ours = await trainOurs(input, config, signal);
  const folder = await mkdtemp(path.join(tmpdir(), "lorikeet-mlx-"));
  try {
    const file = path.join(folder, "config.json");
    await writeFile(file, JSON.stringify(mlxConfig(input, config, path.join(folder, "adapters"))));
    const reports = await runMlx(command, file, signal, (line) => onProgress(`mlx-lm: ${line}`));
    return compared(ours, theirSide(reports));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const compared = (ours: MlxSide, theirs: MlxComparison["theirs"]): MlxComparison => ({
  ours,
  theirs,
  ratio: ours.tokensPerSecond / theirs.tokensPerSecond,
});

async function checkFolder(data: string): Promise<void> {
  for (const name of ["train.jsonl", "valid.jsonl"]) {
    const info = await stat(path.join(data, name)).catch(() => null);
    if (!info)
      throw configError(
        `--data ${data}: mlx-lm needs a folder with train.jsonl and valid.jsonl, and ${name} is missing`,
      );
  }
}

async function trainOurs(
  { session, data, window }: MlxInput,
  config: TrainConfig,
  signal: AbortSignal,
): Promise<MlxSide> {
  const dataset = await readDataset(await openDatasetFiles(data));
  const { examples } = await session.encode(dataset.train, config);
  const windows: { seconds: number; tokens: number; losses: number[] }[] = [];
  for await (const event of session.train({ config, train: examples, valid: [], signal })) {
    if (event.type !== "step") continue;
    const at = Math.floor((event.step - 1) / window);
    windows[at] ??= { seconds: 0, tokens: 0, losses: [] };
    const own = windows[at];
    own.seconds += event.seconds;
    own.tokens += event.supervisedTokens;
    own.losses.push(event.loss);
  }
  signal.throwIfAborted();
  const best = bestOf(windows, ({ tokens, seconds }) => tokens / seconds);
  return {
    tokensPerSecond: best.tokens / best.seconds,
    iterationsPerSecond: best.losses.length / best.seconds,
    losses: windows.map(({ losses }) => losses.reduce((sum, loss) => sum + loss) / losses.length),
  };
}

function theirSide(reports: readonly MlxReport[]): MlxComparison["theirs"] {
  const { tokensPerSecond, iterationsPerSecond } = bestOf(reports, (report) => report.tokensPerSecond);
  const peakGigabytes = Math.max(...reports.map((report) => report.peakGigabytes));
  return { tokensPerSecond, iterationsPerSecond, peakGigabytes, losses: reports.map(({ loss }) => loss) };
}

/** The one with the highest value; the first only where there is no other. */
function bestOf<T>(windows: readonly T[], value: (window: T) => number): T {
  const counting = windows.length > 1 ? windows.slice(1) : windows;
  return counting.reduce((best, one) => (value(one) > value(best) ? one : best));
}

/** What mlx-lm reads: its `iters` are micro-batches, its scale is alpha / rank. */
export function mlxConfig(
  { model, data, window }: Omit<MlxInput, "session">,
  config: TrainConfig,
  adapterPath: string,
): object {
  return {
    train: true,
    fine_tune_type: "lora",
    model,
    data,
    adapter_path: adapterPath,
    optimizer: "adamw",
    optimizer_config: {
      adamw: { betas: [config.beta1, config.beta2], weight_decay: config.weightDecay, bias_correction: true },
    },
    lora_parameters: { rank: config.rank, scale: config.alpha / config.rank, dropout: config.dropout, keys: KEYS },
    num_layers: config.numLayers,
    batch_size: config.batchSize,
    iters: config.steps,
    learning_rate: config.learningRate,
    max_seq_length: config.maxSeqLength,
    mask_prompt: config.maskPrompt,
    grad_checkpoint: false,
    steps_per_report: window,
    steps_per_eval: config.steps,
    save_every: config.steps,
    val_batches: 1,
    seed: config.seed,
  };
}
