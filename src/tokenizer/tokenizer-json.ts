/** Checks the shape of a parsed tokenizer.json before the library sees it, so that faults are named, all at once. */

import { Problems } from "../core/errors.ts";
import { describeJson, isJsonObject, type JsonObject } from "../core/json.ts";
import type { AddedToken } from "./added-tokens.ts";

export interface TokenizerJson {
  readonly added_tokens: (AddedToken & { normalized: boolean })[];
  readonly normalizer: unknown;
  readonly pre_tokenizer: unknown;
  readonly post_processor: unknown;
  readonly decoder: unknown;
  readonly model: JsonObject;
}

/**
 * `json` with every part present (null where absent) and each added token's flags filled in.
 * @throws FormatError listing every fault.
 */
export function checkTokenizerJson(json: unknown, where: string): TokenizerJson {
  const problems = new Problems();
  const root = isJsonObject(json) ? json : {};
  if (!isJsonObject(json)) problems.add(`expected an object, got ${describeJson(json)}`);
  const part = (key: string) => {
    const value = root[key] ?? null;
    if (value !== null && !isJsonObject(value)) problems.add(`${key}: expected an object, got ${describeJson(value)}`);
    return value;
  };
  const result = {
    added_tokens: addedTokens(root.added_tokens ?? [], problems),
    normalizer: part("normalizer"),
    pre_tokenizer: part("pre_tokenizer"),
    post_processor: part("post_processor"),
    decoder: part("decoder"),
    model: model(root.model, problems),
  };
  problems.throwIfAny("format", where, "Download the file again; it should come from the model's own repository.");
  return result;
}

function model(value: unknown, problems: Problems): JsonObject {
  if (!isJsonObject(value)) {
    problems.add(`model: expected an object, got ${describeJson(value)}`);
    return {};
  }
  const { vocab } = value;
  if (value.type === "Unigram" || Array.isArray(vocab)) {
    if (!Array.isArray(vocab) || !vocab.every(isUnigramEntry)) {
      problems.add(`model.vocab: expected a list of [token, score], got ${describeJson(vocab)}`);
    }
    return value;
  }
  if (!isJsonObject(vocab)) problems.add(`model.vocab: expected an object, got ${describeJson(vocab)}`);
  else checkIds(Object.entries(vocab), problems);
  if (value.type !== "WordPiece" && !(Array.isArray(value.merges) && value.merges.every(isMerge))) {
    problems.add(`model.merges: expected a list of merges, got ${describeJson(value.merges)}`);
  }
  return value;
}

const isUnigramEntry = (entry: unknown) =>
  Array.isArray(entry) && typeof entry[0] === "string" && typeof entry[1] === "number";

const isMerge = (merge: unknown) =>
  typeof merge === "string" ||
  (Array.isArray(merge) && merge.length === 2 && merge.every((m) => typeof m === "string"));

/** Ids far above any real vocabulary would only make the library allocate. */
const MAX_ID = 16_777_215;

const isId = (value: unknown): value is number =>
  Number.isInteger(value) && 0 <= Number(value) && Number(value) <= MAX_ID;

function checkIds(entries: readonly [string, unknown][], problems: Problems): void {
  for (const [token, id] of entries) {
    if (!isId(id)) problems.add(`model.vocab[${JSON.stringify(token)}]: expected a token id, got ${describeJson(id)}`);
  }
}

function addedTokens(value: unknown, problems: Problems): (AddedToken & { normalized: boolean })[] {
  if (!Array.isArray(value)) {
    problems.add(`added_tokens: expected a list, got ${describeJson(value)}`);
    return [];
  }
  return value.flatMap((token: unknown, i) => {
    if (!isJsonObject(token) || !isId(token.id) || typeof token.content !== "string") {
      problems.add(`added_tokens.${i}: expected {id, content}, got ${describeJson(token)}`);
      return [];
    }
    const special = token.special === true;
    return [
      {
        id: token.id,
        content: token.content,
        special,
        single_word: token.single_word === true,
        lstrip: token.lstrip === true,
        rstrip: token.rstrip === true,
        normalized: typeof token.normalized === "boolean" ? token.normalized : !special,
      },
    ];
  });
}
