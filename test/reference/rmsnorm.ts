/** y = w·x·rstd, rstd = 1/√(mean(x²) + eps), for each row of x [N, C]; w [C]. */
export function rmsnormForward(x: Float64Array, w: Float64Array, eps: number): Float64Array {
  const C = w.length;
  return x.map((value, i) => w[i % C]! * value * rstd(x, Math.floor(i / C), C, eps));
}

/** y = w·x·rstd and d rstd/dx = −x·rstd³/C give  dx = rstd·w·dy − x·rstd³·mean(w·dy·x) */
export function rmsnormBackward(x: Float64Array, w: Float64Array, eps: number, dy: Float64Array): Float64Array {
  const C = w.length;
  const dx = new Float64Array(x.length);
  for (let row = 0; row < x.length / C; row++) {
    const scale = rstd(x, row, C, eps);
    let mean = 0;
    for (let c = 0; c < C; c++) mean += (w[c]! * dy[row * C + c]! * x[row * C + c]!) / C;
    for (let c = 0; c < C; c++) {
      const at = row * C + c;
      dx[at] = scale * w[c]! * dy[at]! - x[at]! * scale ** 3 * mean;
    }
  }
  return dx;
}

function rstd(x: Float64Array, row: number, C: number, eps: number): number {
  let squares = 0;
  for (let c = 0; c < C; c++) squares += x[row * C + c]! ** 2;
  return 1 / Math.sqrt(squares / C + eps);
}
