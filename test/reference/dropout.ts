/** y = x·mask/(1 − p); element i stays when its hash is at least p·2³². */
export function dropoutForward(x: Float64Array, p: number, seed: number): Float64Array {
  const threshold = Math.floor(p * 2 ** 32);
  const stream = hash(seed >>> 0);
  return x.map((value, i) => (hash((stream ^ hash(i)) >>> 0) >= threshold ? value / (1 - p) : 0));
}

/** y = x·mask/(1 − p):  dx = dy·mask/(1 − p) */
export function dropoutBackward(dy: Float64Array, p: number, seed: number): Float64Array {
  return dropoutForward(dy, p, seed);
}

/** PCG's output function on one step of a linear congruential generator (Jarzynski and Olano 2020). */
function hash(value: number): number {
  const state = (Math.imul(value, 747796405) + 2891336453) >>> 0;
  const word = Math.imul((state >>> ((state >>> 28) + 4)) ^ state, 277803737) >>> 0;
  return ((word >>> 22) ^ word) >>> 0;
}
