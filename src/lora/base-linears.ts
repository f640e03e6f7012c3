/** The linear layers of a checkpoint by its headers alone: what an adapter can be held against without a GPU. */

import { isFloatDtype } from "../core/float-bytes.ts";
import type { Checkpoint } from "../formats/checkpoint.ts";
import type { Adapter, LinearShape } from "./adapter.ts";
import { hubModule } from "./import-safetensors.ts";

/**
 * Hub path → shape of everything that a linear layer's weight could be. Quantised weights do not show their shape: an
 * adapter's own is taken for theirs.
 */
export function checkpointLinears({ tensors }: Checkpoint, { factors }: Adapter): Map<string, LinearShape> {
  const adapted = new Map(factors.map((factor) => [factor.module, factor]));
  const linears = new Map<string, LinearShape>();
  for (const { name, dtype, shape } of tensors.values()) {
    if (!name.endsWith(".weight") || shape.length !== 2 || name.endsWith("embed_tokens.weight")) continue;
    const module = hubModule(name.slice(0, -".weight".length));
    const [out_features, in_features] = shape as [number, number];
    if (isFloatDtype(dtype)) linears.set(module, { in_features, out_features });
    else linears.set(module, adapted.get(module) ?? { in_features, out_features });
  }
  return linears;
}
