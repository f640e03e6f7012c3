/** The golden tokenizers (encodings by HF tokenizers, chats by transformers) and, where present, real ones. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type ModelSource, memoryModel } from "../../src/core/bytes.ts";

export interface GoldenEncoding {
  text: string;
  ids: number[];
  ids_no_special: number[];
  decoded: string;
  decoded_skip_special: string;
}

export interface GoldenChat {
  messages: { role: string; content: string }[];
  add_generation_prompt: boolean;
  rendered: string;
  ids: number[];
  assistant_mask: number[];
}

export interface Golden {
  special_tokens: Record<string, string>;
  encode: GoldenEncoding[];
  chat: GoldenChat[];
}

export const GOLDEN_TOKENIZERS = ["gemma", "llama2", "llama3", "qwen2", "smollm"] as const;

const root = new URL("../fixtures/tokenizers/", import.meta.url);

/** Third-party data beside the repository; tests that need it skip where it is absent. */
export const sharedData = new URL("../../../shared/data/", import.meta.url);
export const hasSharedData = existsSync(sharedData);

export const readGolden = (name: string): Golden =>
  JSON.parse(readFileSync(new URL(`${name}/golden.json`, root), "utf8"));

/** A folder on disk, whole, as a ModelSource. */
export function folderSource(folder: URL): ModelSource {
  const files = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => ({ path: name, bytes: new Uint8Array(readFileSync(new URL(name, folder))) }));
  return memoryModel(folder.pathname.split("/").at(-2)!, files);
}

export const goldenSource = (name: string): ModelSource => folderSource(new URL(`${name}/`, root));

export const sharedTokenizer = (name: string): ModelSource => folderSource(new URL(`tokenizers/${name}/`, sharedData));
