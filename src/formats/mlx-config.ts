/** adapter_config.json of mlx-lm and its relatives: read, checked, written. */

import { Problems } from "../core/errors.ts";
import { describeJson, type JsonObject, type JsonValue } from "../core/json.ts";
import {
  type AdapterConfig,
  type AdapterConfigParts,
  baseModel,
  isInUse,
  refuseUnknown,
  sorted,
  throwAll,
  UNIT,
  wholeIfClose,
} from "./adapter-config.ts";
import { Fields } from "./fields.ts";

/**
 * Reads mlx-lm's file as its loader does: fine_tune_type and lora_parameters {rank, scale, dropout} decide, `alpha` and
 * all else is information.
 * @throws FormatError or ModelError with all problems.
 */
export function parseMlxAdapterConfig(json: unknown, where: string): AdapterConfig {
  const wrong = new Problems();
  const unsupported = new Problems();
  const fields = new Fields(json, wrong);
  const kind = fields.raw("fine_tune_type") ?? "lora";
  if (kind !== "lora" && kind !== "dora") {
    unsupported.add(`fine_tune_type: expected "lora" or "dora"${reasonFor(kind)}, got ${describeJson(kind)}`);
  }
  const lora = new Fields(fields.raw("lora_parameters"), wrong, "lora_parameters.");
  refuseUnknown(lora, "lora_parameters.", MLX_PARAMETERS, unsupported, { use_dora: 'fine_tune_type "dora" says it' });
  const rank = lora.int("rank");
  const scale = lora.number("scale");
  const dropout = lora.number("dropout", UNIT);
  throwAll(where, wrong, unsupported);
  const base = fields.raw("base_model_name_or_path") ?? fields.raw("model");
  // mlx-lm had a switch of this name before it had fine_tune_type.
  const use_dora = kind === "dora" || isInUse(fields.raw("use_dora"));
  const alpha = wholeIfClose(scale * rank);
  return { rank, alpha, scale, dropout, use_rslora: false, use_dora, ...baseModel(base) };
}

const MLX_PARAMETERS = new Set(["rank", "scale", "dropout", "keys", "alpha"]);

function reasonFor(kind: unknown): string {
  return kind === "full" ? " (all weights were trained: the file is a model's part, not an adapter)" : "";
}

/**
 * The union file that mlx-lm, mlx-swift, mlx-vlm and Ollama read the same way, in mlx-lm's look (sorted, indent 4).
 * @param keys module paths below their block: "self_attn.q_proj".
 * @param num_layers trained tail blocks, counted from the last.
 * @param extras information only (learning_rate, iters, …); never overrides a key that a loader reads.
 */
export function writeMlxAdapterConfig(
  parts: AdapterConfigParts & { readonly keys: readonly string[]; readonly num_layers: number },
  extras: Readonly<Record<string, JsonValue>> = {},
): string {
  const { rank, scale, dropout, use_dora, base_model, keys, num_layers, target_modules } = parts;
  const alpha = wholeIfClose(scale * rank);
  const file: JsonObject = {
    ...(base_model === undefined ? {} : { model: base_model, base_model_name_or_path: base_model }),
    ...extras,
    fine_tune_type: use_dora ? "dora" : "lora",
    num_layers,
    lora_parameters: { rank, scale, dropout, keys: [...keys], alpha },
    ...{ rank, scale, alpha, dropout },
    peft_type: "LORA",
    r: rank,
    lora_dropout: dropout,
    target_modules: [...target_modules],
    task_type: "CAUSAL_LM",
    bias: "none",
    use_rslora: false,
    ...(use_dora ? { use_dora } : {}),
  };
  // Ollama parses lora_alpha as an unsigned integer and would refuse the whole file for a fraction; it reads
  // lora_parameters.alpha first, so nothing is lost without it.
  if (Number.isInteger(alpha) && alpha >= 0) file.lora_alpha = alpha;
  else delete file.lora_alpha;
  return `${JSON.stringify(sorted(file), null, 4)}\n`;
}
