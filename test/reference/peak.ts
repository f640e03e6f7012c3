/** x ← x·a + b from 64 different starts, eight chains of four equal lanes each, summed. */
export function peak(invocations: number, steps: number, a: number, b: number): number[] {
  return Array.from({ length: invocations }, (_, i) => {
    let total = 0;
    for (let chain = 0; chain < 8; chain++) {
      let x = (i % 64) + chain;
      for (let step = 0; step < steps; step++) x = x * a + b;
      total += 4 * x;
    }
    return total;
  });
}
