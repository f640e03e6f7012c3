/**
 * Text to token ids and back, over @huggingface/tokenizers (https://github.com/huggingface/tokenizers.js), with what the
 * library leaves out: the place of each token in the text, exact bytes when decoding, and errors that name the file.
 */

import {
  DigitsPreTokenizer,
  Tokenizer as HubTokenizer,
  type PreTokenizer,
  SequencePreTokenizer,
} from "@huggingface/tokenizers";
import { formatError } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import { type AddedToken, createSplitter, type Splitter } from "./added-tokens.ts";
import { alignTokens, normalizedSection, type Span } from "./align.ts";
import { type ChatTemplates, readChatTemplates } from "./chat-templates.ts";
import { readSpecialTokens, type SpecialTokens } from "./special-tokens.ts";
import { bytesOfToken, dropsLeadingSpace, type Spelling, spellingOf } from "./token-bytes.ts";
import { checkTokenizerJson, type TokenizerJson } from "./tokenizer-json.ts";

export interface Encoding {
  readonly ids: number[];
  /**
   * [begin, end) in UTF-16 units of the text, one per id, in order and without overlap. Tokens that stand for no text
   * of their own (bos, the first bytes of an emoji, an inserted "▁") have begin = end.
   */
  readonly offsets: Span[];
}

export interface Tokenizer {
  /** One more than the largest id; a model's vocabulary may be padded beyond it. */
  readonly vocabSize: number;
  /** bos, eos, pad, unk: id and spelling, those that the files name. */
  readonly special: SpecialTokens;
  /** Spellings of all special tokens, longest first. */
  readonly specialContents: readonly string[];
  /** Chat templates by name ("default", "tool_use"); empty for a base model without one. */
  readonly chatTemplates: ChatTemplates;
  /** True when decoding drops one space at the very start. */
  readonly dropsLeadingSpace: boolean;
  encode(text: string, options: { addSpecialTokens: boolean }): Encoding;
  /**
   * The text of `ids`; ids that no token has are left out, bytes that are not UTF-8 become U+FFFD.
   * `clean_up_tokenization_spaces` is not applied: it would delete spaces which the tokens do hold.
   */
  decode(ids: ArrayLike<number>, options?: { skipSpecialTokens?: boolean }): string;
  /** The token's bytes (its spelling for an added token), or null when no token has this id. */
  tokenBytes(id: number): Uint8Array | null;
  isSpecial(id: number): boolean;
}

export interface TokenizerFiles {
  /** Parsed tokenizer.json. */
  readonly tokenizerJson: unknown;
  /** Parsed tokenizer_config.json, with special tokens and chat templates already merged in. */
  readonly tokenizerConfig?: unknown;
  /** For messages: the folder or model name. */
  readonly where: string;
}

/**
 * A tokenizer from its parsed files.
 * @throws FormatError when tokenizer.json does not have the shape of one or uses a part that is not supported.
 */
export function createTokenizer(files: TokenizerFiles): Tokenizer {
  const json = checkTokenizerJson(files.tokenizerJson, `${files.where}/tokenizer.json`);
  const config = isJsonObject(files.tokenizerConfig) ? files.tokenizerConfig : {};
  const hub = openHubTokenizer(json, files.where);
  const spelling = spellingOf(json.decoder, json.model.byte_fallback === true);
  if (spelling === null) {
    throw formatError(
      `${files.where}/tokenizer.json: decoder: expected ByteLevel, ByteFallback or Metaspace, got ${JSON.stringify(json.decoder)?.slice(0, 80)}`,
      "This tokenizer is not one of a causal language model (byte-level BPE or SentencePiece).",
    );
  }
  return assemble({ hub, json, spelling, config, where: files.where });
}

interface Parts {
  readonly hub: HubTokenizer;
  readonly json: TokenizerJson;
  readonly spelling: Spelling;
  readonly config: Record<string, unknown>;
  readonly where: string;
}

function assemble({ hub, json, spelling, config, where }: Parts): Tokenizer {
  const added = new Map(json.added_tokens.map((token) => [token.id, token]));
  const contents = new Map(json.added_tokens.map((token) => [token.content, token.id]));
  const idOf = (token: string) => contents.get(token) ?? hub.token_to_id(token);
  const encodeBody = createEncoder(hub, json, spelling, (token) => idOf(token) ?? hub.model?.unk_token_id);
  const frame = specialFrame(hub, idOf);
  const vocabSize = json.added_tokens.reduce((size, { id }) => Math.max(size, id + 1), hub.model?.vocab.length ?? 0);
  const isSpecial = (id: number) => added.get(id)?.special === true;
  const dropsSpace = dropsLeadingSpace(json.decoder);

  const tokenBytes = (id: number) => {
    const own = added.get(id);
    if (own) return new TextEncoder().encode(own.content);
    const token = hub.id_to_token(id);
    return token === undefined ? null : bytesOfToken(token, spelling);
  };

  return {
    vocabSize,
    special: readSpecialTokens(config, idOf),
    specialContents: json.added_tokens
      .filter((token) => token.special)
      .map((token) => token.content)
      .sort((a, b) => b.length - a.length),
    chatTemplates: readChatTemplates(config, where),
    dropsLeadingSpace: dropsSpace,
    encode(text, { addSpecialTokens }) {
      const body = encodeBody(text);
      if (!addSpecialTokens) return body;
      const end: Span = [text.length, text.length];
      return {
        ids: [...frame.before, ...body.ids, ...frame.after],
        offsets: [...frame.before.map((): Span => [0, 0]), ...body.offsets, ...frame.after.map(() => end)],
      };
    },
    decode(ids, { skipSpecialTokens = false } = {}) {
      const kept = Array.from(ids).filter((id) => !(skipSpecialTokens && isSpecial(id)));
      const text = utf8(kept.map(tokenBytes).filter((bytes) => bytes !== null));
      return dropsSpace && text.startsWith(" ") ? text.slice(1) : text;
    },
    tokenBytes,
    isSpecial,
  };
}

function openHubTokenizer(json: TokenizerJson, where: string): HubTokenizer {
  try {
    const hub = new HubTokenizer(json, {});
    if (hub.pre_tokenizer) splitAllDigits(hub.pre_tokenizer);
    return hub;
  } catch (error) {
    throw formatError(
      `${where}/tokenizer.json: ${error instanceof Error ? error.message : String(error)}`,
      "The file is damaged, or it uses a part of tokenizers that is not supported here.",
    );
  }
}

/**
 * The library's Digits step knows the digits 0 to 9 only; in HF tokenizers every numeric character ("½", "٣", "Ⅻ") is
 * one. SmolLM2 is such a tokenizer.
 */
function splitAllDigits(step: PreTokenizer): void {
  if (step instanceof SequencePreTokenizer) for (const each of step.tokenizers) if (each) splitAllDigits(each);
  if (step instanceof DigitsPreTokenizer) {
    step.pattern = step.config.individual_digits ? /\P{N}+|\p{N}/gu : /\P{N}+|\p{N}+/gu;
  }
}

type BodyEncoder = (text: string) => Encoding;

/** The library's own path from text to tokens, section by section, so that each section's place is known. */
function createEncoder(
  hub: HubTokenizer,
  json: TokenizerJson,
  spelling: Spelling,
  idOf: (token: string) => number | undefined,
): BodyEncoder {
  const [splitRaw, splitNormalized] = splitters(hub, json.added_tokens);
  return (text) => {
    const ids: number[] = [];
    const offsets: Span[] = [];
    for (const outer of splitRaw(text)) {
      if (outer.token) {
        ids.push(outer.token.id);
        offsets.push([outer.begin, outer.end]);
        continue;
      }
      const whole = normalizedSection(hub.normalizer, text.slice(outer.begin, outer.end), outer.begin);
      for (const { begin, end, token } of splitNormalized(whole.text)) {
        const section = { text: whole.text.slice(begin, end), origin: whole.origin.subarray(begin, end + 1) };
        if (token) {
          ids.push(token.id);
          offsets.push([section.origin[0]!, section.origin.at(-1)!]);
          continue;
        }
        const options = { section_index: outer.begin === 0 && begin === 0 ? 0 : 1 };
        const words = hub.pre_tokenizer ? hub.pre_tokenizer(section.text, options) : [section.text];
        const tokens: string[] = hub.model!(words);
        const known = tokens.filter((each) => idOf(each) !== undefined);
        for (const each of known) ids.push(idOf(each)!);
        for (const span of alignTokens(section, known, spelling, hub.model!.unk_token)) offsets.push(span);
      }
    }
    return { ids, offsets };
  };
}

function splitters(hub: HubTokenizer, tokens: readonly (AddedToken & { normalized: boolean })[]): [Splitter, Splitter] {
  const afterNormalizing = (token: { normalized: boolean }) => token.normalized && hub.normalizer !== null;
  return [
    createSplitter(tokens.filter((t) => !afterNormalizing(t)).map((token) => ({ pattern: token.content, token }))),
    createSplitter(
      tokens.filter(afterNormalizing).map((token) => ({ pattern: hub.normalizer!(token.content), token })),
    ),
  ];
}

/** The ids which the post-processor puts before and after a text: run it on one token no vocabulary holds. */
function specialFrame(hub: HubTokenizer, idOf: (token: string) => number | undefined) {
  const middle = "\u{10FFFF}middle";
  const tokens = hub.post_processor?.post_process([middle], null, true).tokens ?? [middle];
  const at = tokens.indexOf(middle);
  const ids = (part: string[]) => part.map(idOf).filter((id) => id !== undefined);
  return { before: ids(tokens.slice(0, at)), after: ids(tokens.slice(at + 1)) };
}

function utf8(parts: readonly Uint8Array[]): string {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}
