/**
 * The same job for a bigger machine: a folder with a job for mlx-lm, one for TRL, and a README that says what is the same
 * there and what is not. Pure: records, knobs and adapter in, files out.
 */
import { dataError } from "../core/errors.ts";
import type { Adapter } from "../lora/adapter.ts";
import { type AdapterFile, checkExportable } from "../lora/export.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { TrainConfig } from "../train/config.ts";
import { examineSet } from "./examine.ts";
import { batchWithin, type HandoffModel, type HandoffSet, whatIsLeft } from "./job.ts";
import { mlxData } from "./mlx-data.ts";
import { mlxFiles } from "./mlx-job.ts";
import { readme } from "./readme.ts";
import { trlData } from "./trl-data.ts";
import { trlFiles } from "./trl-job.ts";

export interface HandoffInput {
  readonly model: HandoffModel;
  readonly config: TrainConfig;
  /** Updates that the adapter has behind it. */
  readonly done: number;
  /** The adapter so far; null to begin with a new one. */
  readonly adapter: Adapter | null;
  /** Paths of the linears that have an adapter, or shall have one. */
  readonly modules: readonly string[];
  /** Blocks of the model. */
  readonly blocks: number;
  readonly vocabSize: number;
  /** Longest sequence of the model. */
  readonly maxPositions: number;
  /** Null where the records are token ids. */
  readonly tokenizer: Tokenizer | null;
  readonly train: HandoffSet;
  readonly valid: HandoffSet | null;
}

/**
 * Paths are relative to the folder, with slashes.
 * @throws DataError when no record is left or one cannot be used, ModelError for an adapter with values that are not finite.
 */
export function handoffFiles(input: HandoffInput): AdapterFile[] {
  const { model, config, done, modules, blocks, tokenizer, vocabSize } = input;
  const adapter = input.adapter && { ...input.adapter, base_model: model.name, num_hidden_layers: blocks };
  if (adapter) checkExportable(adapter);
  const { maskPrompt } = config;
  const maxSeqLength = Math.min(config.maxSeqLength, input.maxPositions);
  const options = { tokenizer, maskPrompt, maxSeqLength, vocabSize };
  const train = examineSet(input.train, options);
  const valid = input.valid && examineSet(input.valid, options);
  if (train.kept.length === 0) throw dataError(`${train.name}: no record is left to train on`);

  const left = whatIsLeft({ ...config, maxSeqLength }, train.kept.length, done);
  const forMlx = mlxData(train, valid, options);
  const forTrl = trlData(train, valid, options);
  const smallest = Math.min(forMlx.train.rows, forMlx.valid?.rows || Number.POSITIVE_INFINITY);
  const shared = { model, config: left.config, adapter, modules };
  const mlx = { ...shared, batch: batchWithin(left.config, smallest), data: forMlx };
  const trl = { ...shared, blocks, data: forTrl };
  const dropped = train.dropped + (valid?.dropped ?? 0);
  const inside = (folder: string, files: readonly AdapterFile[]) =>
    files.map(({ path, bytes }) => ({ path: `${folder}/${path}`, bytes }));
  return [
    { path: "README.md", bytes: new TextEncoder().encode(readme({ model, left, mlx, trl, dropped })) },
    ...(forMlx.train.rows > 0 ? inside("mlx", mlxFiles(mlx)) : []),
    ...inside("trl", trlFiles(trl)),
  ];
}
