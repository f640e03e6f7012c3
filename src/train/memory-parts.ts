/**
 * What the bytes of an update hold, by name and in words: the one list behind the page's picture, the terminal's line
 * and the table of `lorikeet bench --memory`. Pure.
 */

/** Bytes when an update needs the most; together they are its peak. */
export interface MemoryBytes {
  /** Frozen weights. */
  readonly weights: number;
  /** Factors, their gradients, and the optimizer's two moments. */
  readonly adapter: number;
  /** The guard's copies of factors and moments. */
  readonly snapshots: number;
  /** What the forward pass leaves for backward. */
  readonly kept: number;
  /** What is being computed: the tensors of one block and their gradients, or logits; and the table of positions. */
  readonly working: number;
  /** Buffers that are free at that moment, and what buffers are larger than their tensors. */
  readonly spare: number;
}

const LABELS: readonly (readonly [keyof MemoryBytes, string])[] = [
  ["weights", "Model weights"],
  ["adapter", "Adapter and optimizer"],
  ["snapshots", "Snapshots"],
  ["kept", "Kept activations"],
  ["working", "Working tensors"],
  ["spare", "Spare buffers"],
];

export interface MemoryPart {
  readonly name: keyof MemoryBytes;
  readonly label: string;
  readonly bytes: number;
}

/** The parts in their order; one that is empty is left out. */
export function memoryParts(bytes: MemoryBytes): MemoryPart[] {
  return LABELS.map(([name, label]) => ({ name, label, bytes: bytes[name] })).filter((part) => part.bytes > 0);
}

/** The blocks of a model, and how many of them backward computes again. */
export interface Blocks {
  readonly recomputed: number;
  readonly all: number;
}

/** "recomputes 9 of 24 blocks", "recomputes all 24 blocks"; empty where none is. */
export function recomputedWords({ recomputed, all }: Blocks): string {
  if (recomputed === 0) return "";
  return `recomputes ${recomputed < all ? `${recomputed} of` : "all"} ${all} blocks`;
}
