// products: what all matrix products share, the params, the bindings, and which matrix of several a column belongs to.

struct Params {
  rows: u32,       // M
  n: u32,          // columns of c
  k: u32,          // length of the sum (nt, nn); columns of a (tn, which sums over M)
  rank: u32,       // columns of the low-rank factor h, a multiple of 4; 0 = none
  bias: u32,       // 1: add bias (nt)
  accumulate: u32, // 1: c +=; 2: c = residual + (nt)
  a_stride: u32,   // row strides and offsets in vec4 units: a wider matrix can be read or written in part
  a_offset: u32,
  c_stride: u32,
  c_offset: u32,
  h_stride: u32,   // of h (nt, nn) or of b (tn); member m begins m·rank (nt), m·n (tn) columns further right
  h_offset: u32,
  begin_1: u32,    // of the members: where the second and third begin in all columns, their row strides and offsets
  begin_2: u32,
  stride_1: u32,
  stride_2: u32,
  offset_1: u32,
  offset_2: u32,
  apart: u32,      // above 0: member z of the grid has its own product, n columns further right in c (nn)
  scale: f32,      // of the low-rank term where there is one, else of the product (nn, tn)
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> a: array<vec4f>;             // nt, nn [M,K]; tn [M,K]
@group(0) @binding(1) var<storage, read> weight: array<WeightWord>;   // nt [N,K]; nn [K,N]
@group(0) @binding(1) var<storage, read> b: array<vec4f>;             // tn [M,N]
@group(0) @binding(2) var<storage, read> bias: array<vec4f>;          // nt [N]
@group(0) @binding(3) var<storage, read> h: array<vec4f>;             // nt, nn [M,RANK]
@group(0) @binding(4) var<storage, read> low_rank: array<vec4f>;      // nt [N,RANK]; nn [RANK,N]
@group(0) @binding(5) var<storage, read> residual: array<vec4f>;      // nt, where c lies
@group(0) @binding(6) var<storage, read_write> c: array<vec4f>;       // nt, nn [M,N]; tn [K,N]

// row, row+1, row+2, row+3, none beyond the last.
fn four_rows(row: u32, count: u32) -> vec4u {
  return min(row + vec4u(0u, 1u, 2u, 3u), vec4u(count - 1u));
}

struct Member {
  index: u32,
  begin: u32,    // its first vec4 column in all
  stride: u32,
  offset: u32,
}

// The member that holds a vec4 column; stride and offset are those of the first.
fn member_of(column: u32, stride: u32, offset: u32) -> Member {
  if (column >= params.begin_2) {
    return Member(2u, params.begin_2, params.stride_2, params.offset_2);
  }
  if (column >= params.begin_1) {
    return Member(1u, params.begin_1, params.stride_1, params.offset_1);
  }
  return Member(0u, 0u, stride, offset);
}

fn what_is_there(at: u32) -> vec4f {
  if (params.accumulate == 0u) {
    return vec4f();
  }
  if (params.accumulate == 1u) {
    return c[at];
  }
  return residual[at];
}
