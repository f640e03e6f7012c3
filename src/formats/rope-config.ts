/**
 * How a config.json scales its rotary positions. Reads both the published 4.x form (rope_theta beside rope_scaling) and
 * transformers 5's (rope_parameters, for gemma3 with one entry per kind of layer). An unknown kind is refused.
 */
import type { Problems } from "../core/errors.ts";
import { describeJson, isJsonObject } from "../core/json.ts";
import { Fields } from "./fields.ts";

export interface RopeConfig {
  readonly rope_type: RopeType;
  readonly rope_theta: number;
  /** Share of each head that turns; absent: all of it. */
  readonly partial_rotary_factor?: number;
  /** linear, llama3, yarn */
  readonly factor?: number;
  /** llama3 */
  readonly low_freq_factor?: number;
  readonly high_freq_factor?: number;
  /** llama3, yarn, longrope */
  readonly original_max_position_embeddings?: number;
  /** yarn: turns within the original context that are kept and that are stretched. */
  readonly beta_fast?: number;
  readonly beta_slow?: number;
  /** yarn: whether the two bounds are rounded to whole pairs. */
  readonly truncate?: boolean;
  /** yarn, longrope: what cosines and sines are multiplied with. */
  readonly attention_factor?: number;
  /** longrope: what each pair's wavelength is multiplied with, within the original context and beyond it. */
  readonly short_factor?: readonly number[];
  readonly long_factor?: readonly number[];
}

const TYPES = ["default", "linear", "llama3", "yarn", "longrope"] as const;
export type RopeType = (typeof TYPES)[number];

export interface RopeSurroundings {
  readonly head_dim: number;
  readonly max_position_embeddings: number;
  /** Of this kind of layer, where rope_parameters has an entry for each. */
  readonly layerType: "full_attention" | "sliding_attention";
  /** Whether the family turns a part of each head where it is told to. */
  readonly partialAllowed: boolean;
}

export function readRope(config: Fields, wrong: Problems, unsupported: Problems, around: RopeSurroundings): RopeConfig {
  const { parameters, key } = ropeFields(config, around.layerType);
  const rope = new Fields(parameters, wrong, `${key}.`);
  const theta = rope.has("rope_theta") ? rope : config;
  const rope_theta = theta.number("rope_theta", { above: 0 }, 10000);
  const rope_type = readType(rope, key, unsupported);
  const from = rope.has("partial_rotary_factor") ? rope : config;
  const partial = from.number("partial_rotary_factor", { above: 0 }, 1);
  if (partial !== 1 && !around.partialAllowed) unsupported.add(`partial_rotary_factor: expected 1, got ${partial}`);
  const turned = partial === 1 ? {} : { partial_rotary_factor: partial };
  const common = { rope_type, rope_theta, ...turned };
  return { ...common, ...SCALINGS[rope_type]({ ...around, rope, config, partial }) };
}

function ropeFields(config: Fields, layerType: string): { parameters: unknown; key: string } {
  const key = config.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  const value = config.raw(key) ?? {};
  if (!isJsonObject(value) || !isJsonObject(value[layerType])) return { parameters: value, key };
  return { parameters: value[layerType], key: `${key}.${layerType}` };
}

function readType(rope: Fields, key: string, unsupported: Problems): RopeType {
  const kind = rope.raw("rope_type") ?? rope.raw("type");
  // The name that Phi-3's first files had for it.
  if (kind === "su") return "longrope";
  const known = TYPES.find((type) => type === kind);
  if (known) return known;
  const bare = Object.keys(rope.json).every((name) => name === "rope_theta" || name === "partial_rotary_factor");
  if (kind === undefined && bare) return "default";
  const perLayer = Object.values(rope.json).some(isJsonObject) ? " (one entry per kind of layer)" : "";
  unsupported.add(`${key}.rope_type: expected one of ${TYPES.join(", ")}, got ${describeJson(kind)}${perLayer}`);
  return "default";
}

interface Reading extends RopeSurroundings {
  readonly rope: Fields;
  readonly config: Fields;
  readonly partial: number;
}

type Scaling = Partial<RopeConfig>;

/** The numbers that each kind needs. */
const SCALINGS: Readonly<Record<RopeType, (reading: Reading) => Scaling>> = {
  default: () => ({}),
  linear: ({ rope }) => ({ factor: rope.number("factor", { above: 0 }) }),
  llama3: ({ rope }) => ({
    factor: rope.number("factor", { above: 0 }),
    low_freq_factor: rope.number("low_freq_factor", { above: 0 }),
    high_freq_factor: rope.number("high_freq_factor", { above: 0 }),
    original_max_position_embeddings: rope.int("original_max_position_embeddings"),
  }),
  yarn: readYarn,
  longrope: readLongrope,
};

/** Peng et al. 2023, https://arxiv.org/abs/2309.00071; defaults and the attention factor as in transformers' modeling_rope_utils.py. */
function readYarn({ rope, max_position_embeddings }: Reading): Scaling {
  const factor = rope.number("factor", { above: 0 });
  const [mscale, all] = ["mscale", "mscale_all_dim"].map((key) => rope.number(key, { min: 0 }, 0)) as [number, number];
  const given = mscale > 0 && all > 0 ? yarnScale(factor, mscale) / yarnScale(factor, all) : yarnScale(factor, 1);
  return {
    factor,
    beta_fast: rope.number("beta_fast", { above: 0 }, 32),
    beta_slow: rope.number("beta_slow", { above: 0 }, 1),
    truncate: rope.bool("truncate", true),
    attention_factor: rope.number("attention_factor", { above: 0 }, given),
    original_max_position_embeddings: rope.int("original_max_position_embeddings", { min: 1 }, max_position_embeddings),
  };
}

const yarnScale = (factor: number, mscale: number): number => (factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1);

/** Ding et al. 2024, https://arxiv.org/abs/2402.13753, as Phi-3 uses it. */
function readLongrope({ rope, config, head_dim, partial, max_position_embeddings: most }: Reading): Scaling {
  const key = "original_max_position_embeddings";
  const original = (rope.has(key) ? rope : config).int(key, { min: 1 }, most);
  const factor = most / original;
  const given = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
  const pairs = Math.floor(head_dim * partial) / 2;
  const factors = (name: string) => {
    const list = rope.raw(name);
    const fits = Array.isArray(list) && list.length === pairs && list.every((n) => Number.isFinite(n) && n > 0);
    return fits ? (list as number[]) : rope.fault(name, `${pairs} numbers above 0`, list, Array<number>(pairs).fill(1));
  };
  return {
    short_factor: factors("short_factor"),
    long_factor: factors("long_factor"),
    attention_factor: rope.number("attention_factor", { above: 0 }, given),
    original_max_position_embeddings: original,
  };
}
