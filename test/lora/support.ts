/** Small adapters and a plain description of the tiny llama, for the tests of this folder. */

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { folderSource } from "../../src/cli/node/folder.ts";
import { Random } from "../../src/core/random.ts";
import { type ModelConfig, parseModelConfig } from "../../src/formats/model-config.ts";
import type { Adapter, AdapterFactor, LinearShape } from "../../src/lora/adapter.ts";

export const fixture = (path: string) => folderSource(fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url)));

export function fixtureConfig(path: string): ModelConfig {
  return parseModelConfig(JSON.parse(readFileSync(new URL(`../fixtures/${path}`, import.meta.url), "utf8")), path);
}

/** The seven linears of each block of a llama- or qwen2-like model. */
export function blockLinears(config: ModelConfig): Map<string, LinearShape> {
  const { hidden_size: C, intermediate_size: F, head_dim: D } = config;
  const queries = config.num_attention_heads * D;
  const keys = config.num_key_value_heads * D;
  const shapes: [string, number, number][] = [
    ["self_attn.q_proj", C, queries],
    ["self_attn.k_proj", C, keys],
    ["self_attn.v_proj", C, keys],
    ["self_attn.o_proj", queries, C],
    ["mlp.gate_proj", C, F],
    ["mlp.up_proj", C, F],
    ["mlp.down_proj", F, C],
  ];
  const blocks = Array.from({ length: config.num_hidden_layers }, (_, i) => i);
  return new Map(
    blocks.flatMap((i) =>
      shapes.map(
        ([key, in_features, out_features]) => [`model.layers.${i}.${key}`, { in_features, out_features }] as const,
      ),
    ),
  );
}

export function randomFactor(module: string, shape: LinearShape, rank: number, random: Random): AdapterFactor {
  const values = (count: number) => Float32Array.from({ length: count }, () => random.normal());
  return { module, ...shape, rank, A: values(rank * shape.in_features), B: values(shape.out_features * rank) };
}

/** An adapter with random content on the given linears. */
export function randomAdapter(
  linears: Iterable<[string, LinearShape]>,
  rank: number,
  changes: Partial<Adapter> = {},
): Adapter {
  const random = new Random(rank);
  const factors = [...linears].map(([module, shape]) => randomFactor(module, shape, rank, random));
  return { rank, alpha: 2 * rank, scale: 2, dropout: 0, factors, use_rslora: false, ...changes };
}
