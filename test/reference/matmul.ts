/** The three layouts of a matrix product, each written as its sum. */

/** c[i,j] = Σ_k a[i,k]·w[j,k];  a [M,K], w [N,K] → c [M,N] */
export function matmulNt(a: Float64Array, w: Float64Array, M: number, N: number, K: number): Float64Array {
  return product(M, N, K, (i, j, k) => a[i * K + k]! * w[j * K + k]!);
}

/** c[i,j] = Σ_k a[i,k]·w[k,j];  a [M,K], w [K,N] → c [M,N] */
export function matmulNn(a: Float64Array, w: Float64Array, M: number, N: number, K: number): Float64Array {
  return product(M, N, K, (i, j, k) => a[i * K + k]! * w[k * N + j]!);
}

/** c[i,j] = Σ_m a[m,i]·b[m,j];  a [M,K], b [M,N] → c [K,N] */
export function matmulTn(a: Float64Array, b: Float64Array, M: number, N: number, K: number): Float64Array {
  return product(K, N, M, (i, j, m) => a[m * K + i]! * b[m * N + j]!);
}

function product(rows: number, columns: number, length: number, term: (i: number, j: number, k: number) => number) {
  const c = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < length; k++) sum += term(i, j, k);
      c[i * columns + j] = sum;
    }
  }
  return c;
}
