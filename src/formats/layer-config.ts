/** What differs from layer to layer: which see a window of the last tokens only, and which know no positions. */
import type { Problems } from "../core/errors.ts";
import { describeJson } from "../core/json.ts";
import type { Fields } from "./fields.ts";

export type LayerType = "full_attention" | "sliding_attention";

export interface LayerConfig {
  /** One for each layer. */
  readonly layer_types: readonly LayerType[];
  /** Tokens that a layer of sliding attention sees, itself included; null where no layer slides. */
  readonly sliding_window: number | null;
  /** For each layer, whether it turns queries and keys by their position. */
  readonly rope_layers: readonly boolean[];
}

/** Families without windows; others use any that they name. */
const NEVER_SLIDING = new Set(["llama"]);

export function readLayers(
  fields: Fields,
  model_type: string,
  layers: number,
  wrong: Problems,
  unsupported: Problems,
): LayerConfig {
  const rope_layers = model_type === "smollm3" ? readRopeLayers(fields, layers) : Array<boolean>(layers).fill(true);
  const layer_types = readLayerTypes(fields, model_type, layers, rope_layers);
  if (!layer_types.includes("sliding_attention")) return { layer_types, sliding_window: null, rope_layers };
  if (NEVER_SLIDING.has(model_type)) {
    unsupported.add(`layer_types: expected full attention in every layer of ${model_type}, got sliding attention`);
    return { layer_types, sliding_window: null, rope_layers };
  }
  if (!fields.has("sliding_window")) {
    wrong.add(`sliding_window: expected a number of tokens for the layers that slide, got ${describeJson(undefined)}`);
    return { layer_types, sliding_window: null, rope_layers };
  }
  return { layer_types, sliding_window: fields.int("sliding_window"), rope_layers };
}

function readLayerTypes(
  fields: Fields,
  model_type: string,
  layers: number,
  rope_layers: readonly boolean[],
): readonly LayerType[] {
  const given = fields.raw("layer_types");
  const slides = slidingLayers(fields, model_type, rope_layers);
  const derived = Array.from(
    { length: layers },
    (_, i): LayerType => (slides(i) ? "sliding_attention" : "full_attention"),
  );
  if (given === undefined) return derived;
  const isType = (type: unknown) => type === "full_attention" || type === "sliding_attention";
  if (Array.isArray(given) && given.length === layers && given.every(isType)) return given as LayerType[];
  return fields.fault("layer_types", `${layers} of full_attention and sliding_attention`, given, derived);
}

/** Which layers slide where `layer_types` does not say so, as in each family's own configuration in transformers. */
function slidingLayers(
  fields: Fields,
  model_type: string,
  rope_layers: readonly boolean[],
): (layer: number) => boolean {
  const never = () => false;
  if (!fields.has("sliding_window") || NEVER_SLIDING.has(model_type)) return never;
  if (model_type === "gemma2") return (layer) => layer % 2 === 0;
  if (model_type === "gemma3_text") {
    const pattern = fields.int(
      fields.has("sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern",
    );
    return (layer) => (layer + 1) % pattern !== 0;
  }
  const switched = model_type === "qwen2" || model_type === "qwen3" || model_type === "smollm3";
  if (!fields.bool("use_sliding_window", !switched)) return never;
  if (model_type === "smollm3") return (layer) => !rope_layers[layer];
  const first = switched ? fields.int("max_window_layers", { min: 0 }, 28) : 0;
  return (layer) => layer >= first;
}

/** smollm3: 1 in `no_rope_layers` means that the layer has positions. */
function readRopeLayers(fields: Fields, layers: number): boolean[] {
  const interval = fields.int("no_rope_layer_interval", { min: 1 }, 4);
  const derived = Array.from({ length: layers }, (_, i) => (i + 1) % interval !== 0);
  const given = fields.raw("no_rope_layers");
  if (given === undefined) return derived;
  const fits = Array.isArray(given) && given.length === layers && given.every((one) => one === 0 || one === 1);
  if (fits) return given.map((one) => one === 1);
  return fields.fault("no_rope_layers", `${layers} times 0 or 1`, given, derived);
}
