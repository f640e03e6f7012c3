/** What the page is told of a model. */
import { splitModule } from "../../lora/adapter.ts";
import { chooseChatTemplate } from "../../tokenizer/chat-templates.ts";
import type { ModelDescription } from "../../train/describe-model.ts";
import type { ModelChoice } from "../protocol.ts";

export function described({ facts, config, modules, tokenizer }: ModelDescription) {
  return {
    facts: { ...facts, maxTokens: config.max_position_embeddings, vocabulary: config.vocab_size },
    modules: [...new Set(modules.map((path) => splitModule(path).key.split(".").at(-1)!))],
    hasChatTemplate: tokenizer !== null && chooseChatTemplate(tokenizer.chatTemplates, false) !== undefined,
  };
}

export function titleOf(choice: ModelChoice): string {
  if (choice.kind === "demo") return "Built-in demo";
  return choice.kind === "hub" ? choice.id : choice.name;
}
