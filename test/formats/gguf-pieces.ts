/** GGUF files put together piece by piece, right and wrong ones. */

export type Piece =
  | { readonly u8: number }
  | { readonly u32: number }
  | { readonly u64: bigint }
  | { readonly text: string };

export interface GgufPieces {
  readonly version?: number;
  readonly tensorCount?: bigint;
  readonly keyCount?: bigint;
  readonly keys: readonly Piece[];
  readonly tensors: readonly Piece[];
}

/** The header of a file; its counts are those given, whatever the pieces are. */
export function ggufBytes({ version = 3, tensorCount = 0n, keyCount = 0n, keys, tensors }: GgufPieces): Uint8Array {
  const counts: Piece[] = [{ u32: version }, { u64: tensorCount }, { u64: keyCount }];
  return new Uint8Array([...new TextEncoder().encode("GGUF"), ...[...counts, ...keys, ...tensors].flatMap(bytesOf)]);
}

function bytesOf(piece: Piece): number[] {
  if ("u8" in piece) return [piece.u8];
  if ("u32" in piece) return [...new Uint8Array(Uint32Array.of(piece.u32).buffer)];
  if ("u64" in piece) return [...new Uint8Array(BigUint64Array.of(piece.u64).buffer)];
  const text = new TextEncoder().encode(piece.text);
  return [...bytesOf({ u64: BigInt(text.length) }), ...text];
}
