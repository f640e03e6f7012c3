/**
 * Where the assistant's turns are in a rendered conversation. Templates trim, rewrite and drop content (Qwen3 removes old
 * think blocks), so rendering prefixes and counting is not enough. Here the conversation is rendered once more with
 * invisible marks inside the assistant's messages; the marked text minus its marks must be the plain text, which proves
 * that the marks changed nothing and stand at the right places.
 *
 * A turn's span begins where the generation prompt ends, as at inference, and ends with the end-of-turn token; white
 * space after that token carries no loss. A template with {% generation %} blocks decides for itself: its blocks are the
 * spans, to the letter. (TRL's training templates put the newline after the end-of-turn token into the block; so it
 * carries loss with those templates and with no others.)
 */

import { dataError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { GenerationMarks } from "../tokenizer/chat-template.ts";
import type { ChatMessage } from "./messages.ts";

export type Span = readonly [begin: number, end: number];

/** Renders messages with everything else (tools, special tokens, date) fixed. */
export type Render = (
  messages: readonly ChatMessage[],
  options: { generationPrompt: boolean; marks?: GenerationMarks },
) => string;

export interface Turns {
  readonly messages: readonly ChatMessage[];
  /** Per message: whether its text carries loss. */
  readonly train: readonly boolean[];
}

/**
 * Spans of the trained turns in `text`, the plain rendering of `turns`; in order.
 * `specials` are the spellings of the tokenizer's special tokens. Turns that the template leaves out have no span.
 * @throws DataError when a turn was rendered so differently that it cannot be found.
 */
export function assistantSpans(text: string, turns: Turns, render: Render, specials: RegExp): Span[] {
  const marked = renderMarked(turns, render);
  const proved = marked !== null && marked.text === text;
  if (proved && marked.blocks.length > 0) return blockSpans(marked, turns.train);
  const places = proved ? marked.places : searchPlaces(text, turns, render);
  const spans: Span[] = [];
  for (const place of places) {
    if (!turns.train[place.index]) continue;
    const begin = turnBegin(text, place, spans.at(-1)?.[1] ?? 0, turns, render);
    spans.push([begin, turnEnd(text, place, turns, render, specials)]);
  }
  return spans;
}

/** The text of a message's answer within the rendered conversation, without what the template puts around it. */
interface Place {
  /** Index of the message. */
  readonly index: number;
  readonly begin: number;
  readonly end: number;
}

interface Marked {
  readonly text: string;
  readonly places: readonly Place[];
  /** Generation blocks, in order. */
  readonly blocks: readonly Span[];
}

// Unicode's noncharacters U+FDD0 to U+FDEF: for internal use, never in text that is exchanged.
const OPEN = 0xfdd0;
const CLOSE = "\ufdd1";
const DIGIT = 0xfdd2;
const KIND = { begin: "\ufdde", end: "\ufddf", blockBegin: "\ufdec", blockEnd: "\ufded" } as const;
const MARK = /\ufdd0([\ufdde\ufddf\ufdec\ufded])([\ufdd2-\ufddb]*)\ufdd1/g;

const mark = (kind: keyof typeof KIND, index?: number) => {
  const digits =
    index === undefined ? "" : [...String(index)].map((d) => String.fromCharCode(DIGIT + Number(d))).join("");
  return `${String.fromCharCode(OPEN)}${KIND[kind]}${digits}${CLOSE}`;
};

const BLOCK_MARKS: GenerationMarks = { begin: mark("blockBegin"), end: mark("blockEnd") };

function renderMarked({ messages }: Turns, render: Render): Marked | null {
  try {
    return readMarks(render(messages.map(markMessage), { generationPrompt: false, marks: BLOCK_MARKS }));
  } catch {
    // The template looks into the content and refuses the marks.
    return null;
  }
}

/** Marks around the answer (what follows a think block), inside its white space, and after the last tool call's name. */
function markMessage(message: ChatMessage, index: number): ChatMessage {
  if (message.role !== "assistant") return message;
  const { content, tool_calls } = message;
  return {
    ...message,
    content: content === null ? null : markContent(content, index),
    ...(tool_calls === undefined ? {} : { tool_calls: tool_calls.map(markLastName(tool_calls.length - 1, index)) }),
  };
}

function markContent(content: string, index: number): string {
  if (content.trim() === "") return content;
  const { begin, end } = answerWithin(content);
  return (
    content.slice(0, begin) + mark("begin", index) + content.slice(begin, end) + mark("end", index) + content.slice(end)
  );
}

const markLastName = (last: number, index: number) => (call: JsonObject, i: number) => {
  const inner = call.function as { name: string };
  return i === last ? { ...call, function: { ...inner, name: inner.name + mark("end", index) } } : call;
};

/** [begin, end) of the answer in a message: after the last think block, without white space around it. */
function answerWithin(content: string): { begin: number; end: number } {
  const think = content.lastIndexOf("</think>");
  const from = think < 0 ? 0 : think + "</think>".length;
  const end = Math.max(from, content.trimEnd().length);
  return { begin: Math.min(end, content.length - content.slice(from).trimStart().length), end };
}

function readMarks(marked: string): Marked {
  const places = new Map<number, { begin: number; end: number }>();
  const blocks: Span[] = [];
  let removed = 0;
  let blockBegin = 0;
  for (const match of marked.matchAll(MARK)) {
    const at = match.index - removed;
    removed += match[0].length;
    const index = Number([...match[2]!].map((c) => c.charCodeAt(0) - DIGIT).join(""));
    if (match[1] === KIND.blockBegin) blockBegin = at;
    else if (match[1] === KIND.blockEnd) blocks.push([blockBegin, at]);
    else places.set(index, { begin: Math.min(places.get(index)?.begin ?? at, at), end: at });
  }
  const sorted = [...places].map(([index, place]) => ({ index, ...place })).sort((a, b) => a.index - b.index);
  return { text: marked.replace(MARK, ""), places: sorted, blocks: blocks.filter(([begin, end]) => begin < end) };
}

/** The blocks of trained turns: a block belongs to the first turn whose answer does not end before it, else the last. */
function blockSpans({ blocks, places }: Marked, train: readonly boolean[]): Span[] {
  return blocks.filter(([begin]) => {
    const owner = places.find((place) => place.end >= begin) ?? places.at(-1);
    return owner === undefined ? train.some(Boolean) : train[owner.index];
  });
}

/** Without usable marks: each answer is looked for, literally, after what comes before it. */
function searchPlaces(text: string, { messages, train }: Turns, render: Render): Place[] {
  const places: Place[] = [];
  let at = 0;
  messages.forEach((message, index) => {
    if (message.role !== "assistant") return;
    const prompt = tryRender(render, messages.slice(0, index), true);
    if (prompt !== null && text.startsWith(prompt)) at = Math.max(at, prompt.length);
    const { content, tool_calls } = message;
    const name = (tool_calls?.at(-1)?.function as { name: string } | undefined)?.name;
    const within = content === null ? null : answerWithin(content);
    const answer = name ?? (content !== null && within !== null ? content.slice(within.begin, within.end) : "");
    const begin = text.indexOf(answer, at);
    if (begin < 0 && train[index]) {
      throw dataError(
        `messages.${index}: the chat template changes this answer so that it cannot be found in the rendered text`,
        "Use a template with {% generation %} blocks, or train with the loss on all tokens (--no-mask-prompt).",
      );
    }
    if (begin < 0) return;
    at = begin + answer.length;
    places.push({ index, begin, end: at });
  });
  return places;
}

/**
 * Where the turn begins: after the prompt that inference would use, if the conversation really starts with it; else after
 * the generation prompt, or as many of its lines as the history shows (a reasoning model's prompt may open a think block
 * which its history leaves out); else at the answer.
 */
function turnBegin(text: string, place: Place, after: number, { messages }: Turns, render: Render): number {
  const before = messages.slice(0, place.index);
  const prompt = tryRender(render, before, true);
  const fits = (at: number) => after <= at && at <= place.begin;
  if (prompt !== null && text.startsWith(prompt) && fits(prompt.length)) return prompt.length;
  const plain = tryRender(render, before, false);
  if (plain === null) return place.begin;
  const header = prompt?.startsWith(plain) ? prompt.slice(plain.length) : "";
  for (const part of headerParts(header)) {
    const at = text.lastIndexOf(part, place.begin - part.length);
    if (at >= after) return at + part.length;
  }
  // A turn of tool calls only is marked at the last one's name; its message begins where the others end.
  const isToolCall = (messages[place.index]?.content ?? "").trim() === "";
  return isToolCall && text.startsWith(plain) && fits(plain.length) ? plain.length : place.begin;
}

/** The header and its beginnings up to a line end or a ">", longest first. */
const headerParts = (header: string): string[] =>
  header === ""
    ? []
    : [header, ...Array.from(header.matchAll(/[\n>]/g), (m) => header.slice(0, m.index + 1)).reverse()];

/** Where the turn ends: with the first special token of what the template puts behind this turn, or with its text. */
function turnEnd(text: string, place: Place, { messages }: Turns, render: Render, specials: RegExp): number {
  const message = messages[place.index]!;
  const closing = closingText(text, place, messages, render);
  const limit = place.end + closing.length;
  let end: number | null = null;
  specials.lastIndex = place.end;
  for (let match = specials.exec(text); match !== null && match.index < limit; match = specials.exec(text)) {
    const matchEnd = match.index + match[0].length;
    if (end !== null) {
      // More of them: a chain without gaps (Cohere), or what closes tool calls; never the next turn's header.
      const gap = text.slice(end, match.index);
      if (matchEnd > limit || (message.tool_calls === undefined ? gap !== "" : gap.trim() !== "")) break;
    }
    end = matchEnd;
  }
  return end ?? place.end + closing.trimEnd().length;
}

/** The text behind a turn which is there whether the turn is the last one or not. */
function closingText(text: string, place: Place, messages: readonly ChatMessage[], render: Render): string {
  const rest = text.slice(place.end);
  if (place.index === messages.length - 1) return rest;
  const upTo = renderMarked({ messages: messages.slice(0, place.index + 1), train: [] }, render);
  const own = upTo?.places.find((other) => other.index === place.index);
  // Without that evidence only a special token right behind the answer can be the turn's own.
  if (upTo === null || own === undefined) return rest.slice(0, rest.length - rest.trimStart().length + 1);
  const tail = upTo.text.slice(own.end);
  let common = 0;
  while (common < tail.length && tail[common] === rest[common]) common++;
  return rest.slice(0, common);
}

function tryRender(render: Render, messages: readonly ChatMessage[], generationPrompt: boolean): string | null {
  try {
    return render(messages, { generationPrompt });
  } catch {
    // Many templates refuse a conversation cut in the middle; the caller has another way.
    return null;
  }
}
