/**
 * The bytes behind a token's spelling. Byte-level tokenizers (GPT-2, Llama 3, Qwen) spell every byte with one printable
 * character; SentencePiece-style ones (Llama 2, Gemma) write spaces as "▁" and single bytes as "<0xE2>". Knowing the
 * bytes makes exact offsets possible and a stream decoder that never shows half a character.
 */

export type Spelling = "byte-level" | "sentencepiece";

const encoder = new TextEncoder();

/**
 * GPT-2's table of printable stand-ins: bytes that print as themselves in Latin-1 stay, the others take the code points
 * from U+0100 on, in order. https://github.com/openai/gpt-2/blob/master/src/encoder.py
 */
const byteOfCharacter = new Map<string, number>();
for (let byte = 0, next = 0x100; byte < 256; byte++) {
  const prints = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  byteOfCharacter.set(String.fromCharCode(prints ? byte : next++), byte);
}

/** The bytes which `token` stands for; spaces as 0x20 in both spellings. */
export function bytesOfToken(token: string, spelling: Spelling): Uint8Array {
  if (spelling === "sentencepiece") {
    const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
    return byte ? Uint8Array.of(Number.parseInt(byte[1]!, 16)) : encoder.encode(token.replaceAll("▁", " "));
  }
  const bytes = new Uint8Array(token.length);
  for (let i = 0; i < token.length; i++) {
    const byte = byteOfCharacter.get(token[i]!);
    // A character outside the table cannot come from bytes: the token is plain text.
    if (byte === undefined) return encoder.encode(token);
    bytes[i] = byte;
  }
  return bytes;
}

/** The spelling that a tokenizer.json's decoder (or, without one, its model) undoes; null for any other scheme. */
export function spellingOf(decoder: unknown, byteFallback: boolean): Spelling | null {
  const types = decoderTypes(decoder);
  if (types.includes("ByteLevel")) return "byte-level";
  if (types.includes("ByteFallback") || types.includes("Metaspace")) return "sentencepiece";
  return types.length === 0 && byteFallback ? "sentencepiece" : null;
}

/** True when decoding drops the one space that encoding put in front of the text. */
export function dropsLeadingSpace(decoder: unknown): boolean {
  return decoderSteps(decoder).some(
    (step) =>
      (step.type === "Metaspace" && step.prepend_scheme !== "never") || (step.type === "Strip" && step.start === 1),
  );
}

type Step = { type?: unknown; prepend_scheme?: unknown; start?: unknown };

function decoderSteps(decoder: unknown): Step[] {
  if (typeof decoder !== "object" || decoder === null) return [];
  const { type, decoders } = decoder as { type?: unknown; decoders?: unknown };
  return type === "Sequence" && Array.isArray(decoders) ? decoders.flatMap(decoderSteps) : [decoder as Step];
}

const decoderTypes = (decoder: unknown) => decoderSteps(decoder).map((step) => step.type);
