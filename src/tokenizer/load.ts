/** A tokenizer from a model's folder: which files, and which of them has the last word. */

import { type ModelSource, readJson, readText } from "../core/bytes.ts";
import { formatError } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import { createTokenizer, type Tokenizer } from "./tokenizer.ts";

/**
 * Reads tokenizer.json, tokenizer_config.json, special_tokens_map.json (only for what the config leaves out),
 * chat_template.jinja (before the config's own) and additional_chat_templates/*.jinja.
 * @throws FormatError when tokenizer.json is missing or one of the files is not what its name says.
 */
export async function loadTokenizer(source: ModelSource): Promise<Tokenizer> {
  const tokenizerJson = await readJson(source, "tokenizer.json");
  if (tokenizerJson === undefined) {
    throw formatError(
      `${source.label}: expected a tokenizer.json, found none`,
      "Older models come with tokenizer.model only; open and save them once with transformers to get tokenizer.json.",
    );
  }
  const config = await readJson(source, "tokenizer_config.json");
  const map = await readJson(source, "special_tokens_map.json");
  const merged: Record<string, unknown> = {
    ...(isJsonObject(map) ? map : {}),
    ...(isJsonObject(config) ? withoutNulls(config) : {}),
  };
  const templates = await readTemplateFiles(source);
  if (templates !== null) merged.chat_template = templates;
  return createTokenizer({ tokenizerJson, tokenizerConfig: merged, where: source.label });
}

async function readTemplateFiles(source: ModelSource): Promise<Record<string, string> | null> {
  const files = (await source.list()).flatMap((path) => {
    const name = /^additional_chat_templates\/([^/]+)\.jinja$/.exec(path)?.[1];
    if (path === "chat_template.jinja") return [{ name: "default", path }];
    return name === undefined ? [] : [{ name, path }];
  });
  const templates: Record<string, string> = {};
  for (const { name, path } of files) {
    const text = await readText(source, path);
    if (text !== null) templates[name] = text;
  }
  return files.length === 0 ? null : templates;
}

const withoutNulls = (config: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null));
