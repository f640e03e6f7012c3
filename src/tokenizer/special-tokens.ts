/** bos, eos, pad and unk, as tokenizer_config.json (or special_tokens_map.json behind it) names them. */

import { isJsonObject } from "../core/json.ts";

export interface SpecialToken {
  readonly id: number;
  readonly content: string;
}

export interface SpecialTokens {
  readonly bos?: SpecialToken;
  readonly eos?: SpecialToken;
  readonly pad?: SpecialToken;
  readonly unk?: SpecialToken;
}

/** Reads `bos_token` and its kin: a text or `{content}`; null, absent and unknown to the vocabulary are left out. */
export function readSpecialTokens(
  config: Record<string, unknown>,
  idOf: (token: string) => number | undefined,
): SpecialTokens {
  const read = (name: "bos" | "eos" | "pad" | "unk") => {
    const content = tokenText(config[`${name}_token`]);
    const id = content === undefined ? undefined : idOf(content);
    return content === undefined || id === undefined ? {} : { [name]: { id, content } };
  };
  return { ...read("bos"), ...read("eos"), ...read("pad"), ...read("unk") };
}

function tokenText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return isJsonObject(value) && typeof value.content === "string" ? value.content : undefined;
}
