/**
 * One model of the catalogue: everything the page says about it, and the config.json fields from which its memory can
 * be computed, so that choosing a model takes no network request.
 */

import type { Affine } from "../../core/affine.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Licence } from "../licences.ts";

/** Weights in MLX's codes, which MLX and this project read, and PyTorch does not. */
export interface Coded extends Affine {
  /** The model whose weights they are, "org/name". */
  readonly original: string;
}

export interface CatalogueEntry {
  /** "org/name" on the Hub. */
  readonly id: string;
  readonly title: string;
  /** One plain sentence. */
  readonly purpose: string;
  readonly licence: Licence;
  /** The Hub hands the files only to accounts that accepted the terms. */
  readonly gated: boolean;
  /** Tied matrices count once. */
  readonly parameters: number;
  /** What the weights are stored in; of codes, their scales and biases. */
  readonly dtype: "bf16";
  /** Null for weights as their makers published them. */
  readonly coded: Coded | null;
  readonly bytes: {
    /** All safetensors files as published. */
    readonly weights: number;
    /** Of these, a second copy of tied matrices, which is never read. */
    readonly unread: number;
    /** tokenizer.json; the other small files come to less than 1.3 MB. */
    readonly tokenizer: number;
  };
  /** Fields of config.json in the Hub's spelling, as `parseModelConfig` takes them. */
  readonly config: JsonObject;
}

/** What has to come over the line: the weights that are read, and the tokenizer. */
export function downloadBytes({ bytes }: CatalogueEntry): number {
  return bytes.weights - bytes.unread + bytes.tokenizer;
}

/** Longest sequence in tokens, prompt and answer together. */
export function contextTokens({ config }: CatalogueEntry): number {
  return Number(config.max_position_embeddings);
}
