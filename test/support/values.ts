/** Seeded values for problems; all are exact in f32, so that the reference and the kernel see the same numbers. */
import type { Random } from "../../src/core/random.ts";

/** A tensor on the host. */
export interface Host {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

/**
 * `normal`: standard normal. `large`: magnitudes up to 80, both signs. `equal`: the same value everywhere. `zero`.
 */
export type Style = "normal" | "large" | "equal" | "zero";

export function hostTensor(random: Random, shape: readonly number[], style: Style = "normal"): Host {
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape, values: fill(random, count, style) };
}

export function fill(random: Random, count: number, style: Style = "normal"): Float64Array {
  const constant = Math.fround(random.normal());
  return Float64Array.from({ length: count }, () => {
    if (style === "equal") return constant;
    if (style === "zero") return 0;
    return Math.fround(style === "large" ? 160 * random.uniform() - 80 : random.normal());
  });
}

export const toF32 = (values: ArrayLike<number>): Float32Array<ArrayBuffer> => Float32Array.from(values);

/** One of `items`. */
export const pick = <T>(random: Random, items: readonly T[]): T => items[random.below(items.length)]!;

/** `count` different integers below `n`, in random order. */
export function someOf(random: Random, n: number, count: number): number[] {
  return random.shuffle(Array.from({ length: n }, (_, i) => i)).slice(0, count);
}

/** A different seed for each name, the same on every machine (FNV-1a). */
export function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const character of name) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  return hash >>> 0;
}
