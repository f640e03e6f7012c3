/** What a model is before its weights are fetched: config, tokenizer, and the headers of its weight files. */
import type { Affine } from "../core/affine.ts";
import type { ModelSource } from "../core/bytes.ts";
import { LorikeetError, modelError, Problems } from "../core/errors.ts";
import { openCheckpoint } from "../formats/checkpoint.ts";
import type { ModelConfig } from "../formats/model-config.ts";
import { textCheckpoint } from "../formats/text-part.ts";
import { DryDevice } from "../gpu/dry-run.ts";
import { targetLayers } from "../lora/targets.ts";
import { readConfig } from "../models/load.ts";
import { placeWeights } from "../models/place.ts";
import { buildModel } from "../models/registry.ts";
import { matrixElement, tensorElement } from "../models/stored-matrix.ts";
import { namedLeaves } from "../nn/module.ts";
import { loadTokenizer } from "../tokenizer/load.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type ModelFacts, modelFacts } from "./facts.ts";

export interface ModelDescription {
  readonly config: ModelConfig;
  readonly facts: ModelFacts;
  /** Null with the reason why records cannot be rendered. */
  readonly tokenizer: Tokenizer | null;
  readonly noTokenizer: LorikeetError | null;
  /** Paths of the linear layers an adapter can go on, in the model's order. */
  readonly modules: readonly string[];
}

/** `quantize`: as it is when its weights are coded while it loads. Throws ModelError or FormatError for what cannot be trained here, before anything large is fetched. */
export async function describeModel(source: ModelSource, quantize: Affine | null = null): Promise<ModelDescription> {
  const config = await readConfig(source);
  const model = buildModel(config, `${source.label}/config.json`);
  const checkpoint = textCheckpoint(await openCheckpoint(source));
  const bytes = new Map<string, number>();
  for (const [name, { dtype, begin, end }] of checkpoint.tensors) {
    const codes = checkpoint.tensors.has(name.replace(/\.weight$/, ".scales"));
    if (!codes) bytes.set(dtype, (bytes.get(dtype) ?? 0) + end - begin);
  }
  const [dtype = ""] = [...bytes].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  if (!tensorElement(dtype)) {
    throw modelError(
      `${source.label}: expected weights in F32, F16 or BF16, or MLX's codes, found mostly ${dtype || "none"}`,
      "Choose the original model, or one that mlx-lm has quantised.",
    );
  }
  const matrices = new Map(namedLeaves(model.tree).map(({ path, leaf }) => [path, leaf.shape]));
  // What is wrong with single tensors is said when they are loaded.
  const options = { problems: new Problems(), quantize };
  placeWeights(model.tree, new DryDevice(), (path) =>
    matrixElement(checkpoint, config, path, matrices.get(path) as readonly [number, number], options),
  );
  const facts = modelFacts(model);
  const modules = targetLayers(model.tree, { targetModules: null, numLayers: 0 }).map(({ path }) => path);
  try {
    return { config, facts, modules, tokenizer: await loadTokenizer(source), noTokenizer: null };
  } catch (error) {
    if (!(error instanceof LorikeetError) || error.kind !== "format") throw error;
    return { config, facts, modules, tokenizer: null, noTokenizer: error };
  }
}
