/** Σ mix(word ^ key1(place)) and Σ mix(word + key2(place)), mod 2³², in BigInt: no rounding, no wrapping by accident. */
export function checksum(words: ArrayLike<number>, firstWord = 0): [number, number] {
  let one = 0n;
  let two = 0n;
  for (let i = 0; i < words.length; i++) {
    const [word, place] = [BigInt(words[i]!), BigInt(firstWord + i)];
    one += mixBits(word ^ ((place * 0x9e3779b1n) % WORD));
    two += mixBits((word + place * 0x85ebca77n + 0xc2b2ae3dn) % WORD);
  }
  return [Number(one % WORD), Number(two % WORD)];
}

const WORD = 2n ** 32n;

/** lowbias32: xor with a shifted self and products with odd numbers, each one to one on 32 bits. */
function mixBits(value: bigint): bigint {
  const first = ((value ^ (value >> 16n)) * 0x7feb352dn) % WORD;
  const second = ((first ^ (first >> 15n)) * 0x846ca68bn) % WORD;
  return second ^ (second >> 16n);
}
