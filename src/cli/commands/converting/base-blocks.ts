/** How many blocks the base of an adapter has: MLX counts adapted blocks from the last. */
import { type ModelSource, readJson } from "../../../core/bytes.ts";
import { formatError, modelError } from "../../../core/errors.ts";
import { describeJson, isJsonObject } from "../../../core/json.ts";
import { type Adapter, splitModule } from "../../../lora/adapter.ts";
import type { Io } from "../../io.ts";
import { findModel } from "../../node/model-place.ts";

/** From the command line, the base model's config, or the adapter's own; undefined where nobody says. */
export async function blocksOfBase(
  { numHiddenLayers, model }: { readonly numHiddenLayers?: number; readonly model?: string },
  adapter: Adapter,
  source: ModelSource,
  io: Io,
): Promise<number | undefined> {
  const config = await readJson(source, "adapter_config.json");
  const own = isJsonObject(config) ? config.num_hidden_layers : undefined;
  const said = numHiddenLayers ?? (model === undefined ? undefined : await blocksOfModel(model)) ?? own;
  const known = Number.isSafeInteger(said) ? (said as number) : adapter.num_hidden_layers;
  const highest = Math.max(-1, ...adapter.factors.map(({ module }) => splitModule(module).block ?? -1));
  if (known !== undefined && known <= highest) {
    throw modelError(
      `${source.label}: adapts block ${highest}, counted from 0; a base of ${known} blocks has none of that number`,
      "Check --num-hidden-layers or --model.",
    );
  }
  const chosen = isJsonObject(config) && Array.isArray(config.layers_to_transform);
  if (known === undefined && chosen) {
    io.err.write(
      `block ${highest} is taken to be the base's last; if it is not, give --model or --num-hidden-layers\n`,
    );
  }
  return known;
}

/** Of the text half of a multimodal model. Families that do not train here have it as well. */
async function blocksOfModel(model: string): Promise<number> {
  const { source } = await findModel(model);
  const json = await readJson(source, "config.json");
  const config = isJsonObject(json) && isJsonObject(json.text_config) ? json.text_config : json;
  const blocks = isJsonObject(config) ? config.num_hidden_layers : undefined;
  if (Number.isSafeInteger(blocks) && (blocks as number) > 0) return blocks as number;
  throw formatError(`${model}/config.json: num_hidden_layers: expected a whole number, got ${describeJson(blocks)}`);
}
