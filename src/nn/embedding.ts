/** Token embedding: a frozen table [V, C]; with tied embeddings also the output head. */
import { modelError } from "../core/errors.ts";
import type { Program } from "../gpu/program.ts";
import type { Tensor } from "../gpu/tensor.ts";
import type { Weight } from "../gpu/weight.ts";
import { recordEmbedding } from "../ops/embedding.ts";

export interface Embedding {
  readonly kind: "embedding";
  /** [V, C] */
  readonly shape: readonly [number, number];
  /** null until loaded */
  weight: Weight | null;
}

export const embedding = (vocab_size: number, hidden_size: number): Embedding => ({
  kind: "embedding",
  shape: [vocab_size, hidden_size],
  weight: null,
});

/** ids u32 [N] → x [N, C], every row times `scale` (Gemma: √C). */
export function embed(program: Program, { weight }: Embedding, ids: Tensor, scale = 1): Tensor {
  if (!weight) throw modelError("the token embedding has no weights yet");
  return recordEmbedding(program, ids, weight, scale);
}
