/** What a config.json says of MLX's quantised weights: bits and group for all, and what differs by module. */
import { type Affine, BITS, GROUPS } from "../core/affine.ts";
import type { Problems } from "../core/errors.ts";
import { describeJson, isJsonObject, type JsonObject } from "../core/json.ts";
import type { Fields } from "./fields.ts";

export interface QuantizationConfig extends Affine {
  /** By module path; null: not quantised. */
  readonly modules: ReadonlyMap<string, Affine | null>;
}

/** null where nothing is quantised. What other tools made (AWQ, GPTQ, bitsandbytes, FP8) is refused. */
export function readQuantization(fields: Fields, unsupported: Problems): QuantizationConfig | null {
  const key = ["quantization", "quantization_config"].find((name) => fields.has(name));
  const value = key && fields.raw(key);
  if (!key || !value) return null;
  if (!isJsonObject(value) || value.quant_method !== undefined) {
    const method = isJsonObject(value) ? value.quant_method : value;
    unsupported.add(`${key}: expected MLX's (group_size and bits), got ${describeJson(method)}`);
    return null;
  }
  const all = readAffine(value, key, unsupported);
  const modules = new Map<string, Affine | null>();
  for (const [path, own] of Object.entries(value)) {
    if (own === false) modules.set(path, null);
    else if (isJsonObject(own)) modules.set(path, readAffine({ ...value, ...own }, `${key}.${path}`, unsupported));
  }
  return { ...all, modules };
}

/** Bits and group of a module's weight, where it is quantised at all. */
export function quantizationFor(config: QuantizationConfig | null, path: string): Affine | null {
  const own = config?.modules.get(path);
  return own === undefined ? config : own;
}

function readAffine({ bits, group_size, mode = "affine" }: JsonObject, where: string, unsupported: Problems): Affine {
  const expect = (name: string, wanted: string, found: unknown) =>
    unsupported.add(`${where}.${name}: expected ${wanted}, got ${describeJson(found)}`);
  if (mode !== "affine") expect("mode", "affine", mode);
  const knownBits = BITS.find((one) => one === bits);
  if (!knownBits) expect("bits", `one of ${BITS.join(", ")}`, bits);
  const knownGroup = GROUPS.find((one) => one === group_size);
  if (!knownGroup) expect("group_size", `one of ${GROUPS.join(", ")}`, group_size);
  return { bits: knownBits ?? 4, group: knownGroup ?? 64 };
}
