/** A tokenizer's chat templates by name, read from its configuration. */

import { formatError } from "../core/errors.ts";
import { describeJson, isJsonObject } from "../core/json.ts";

/** Source text by name. Most models have only "default"; "tool_use" is for records with tools. */
export type ChatTemplates = ReadonlyMap<string, string>;

/**
 * `chat_template` of tokenizer_config.json: one text, a list of {name, template}, or an object of names.
 * @throws FormatError for any other shape.
 */
export function readChatTemplates(config: Record<string, unknown>, where: string): ChatTemplates {
  const value = config.chat_template ?? null;
  if (value === null) return new Map();
  if (typeof value === "string") return new Map([["default", value]]);
  const entries = Array.isArray(value)
    ? value.map((entry): [unknown, unknown] => (isJsonObject(entry) ? [entry.name, entry.template] : [null, null]))
    : isJsonObject(value)
      ? Object.entries(value)
      : [[null, null]];
  const templates = new Map<string, string>();
  for (const [name, template] of entries) {
    if (typeof name !== "string" || typeof template !== "string") {
      throw formatError(
        `${where}/tokenizer_config.json: chat_template: expected a text or a list of {name, template}, got ${describeJson(value)}`,
      );
    }
    templates.set(name, template);
  }
  return templates;
}

/** The template for a conversation: "tool_use" when it has tools and the model has one, else "default", else the only one. */
export function chooseChatTemplate(templates: ChatTemplates, hasTools: boolean): string | undefined {
  const named = hasTools ? (templates.get("tool_use") ?? templates.get("default")) : templates.get("default");
  return named ?? (templates.size === 1 ? [...templates.values()][0] : undefined);
}
