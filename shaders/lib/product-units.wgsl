// product-units: the products of matmul.wgsl by matrix units, 8×8 times 8×8 in one instruction of a subgroup
// shapes    as matmul.wgsl
// grid      a workgroup of 64 per block of 32 × 64 of c: WX vec4 columns × 4·ROWS rows
// tiling    16 of k at a time are staged in workgroup memory; each subgroup makes all 32 rows of 8·COLS columns
// numerics  parts (lib/units-…) are multiplied, sums are f32; rows past the end are clamped, k past the end is zero
// reference test/reference/matmul.ts

alias Left = subgroup_matrix_left<Part, 8, 8>;
alias Right = subgroup_matrix_right<Part, 8, 8>;
alias Block = subgroup_matrix_result<f32, 8, 8>;
alias Blocks = array<array<Block, COLS>, 4>;

var<workgroup> left: array<Part, 512>;    // [32, 16]
var<workgroup> right: array<Part, 1024>;  // [16, 64]
var<workgroup> whole: array<f32, 2048>;   // [32, 64]

// Which COLS blocks of eight columns a subgroup makes; there are 8·COLS invocations in one.
fn worker_of(lane: u32) -> u32 {
  return lane / (8u * COLS);
}

// Four neighbours in a row of a's part.
fn stage_left_row(row: u32, k: u32, value: vec4f) {
  let at = row * 16u + k;
  left[at] = Part(value.x);
  left[at + 1u] = Part(value.y);
  left[at + 2u] = Part(value.z);
  left[at + 3u] = Part(value.w);
}

fn stage_left_column(row: u32, k: u32, value: vec4f) {
  let at = row * 16u + k;
  left[at] = Part(value.x);
  left[at + 16u] = Part(value.y);
  left[at + 32u] = Part(value.z);
  left[at + 48u] = Part(value.w);
}

fn stage_right_row(k: u32, column: u32, value: vec4f) {
  let at = k * 64u + column;
  right[at] = Part(value.x);
  right[at + 1u] = Part(value.y);
  right[at + 2u] = Part(value.z);
  right[at + 3u] = Part(value.w);
}

fn stage_right_column(k: u32, column: u32, value: vec4f) {
  let at = k * 64u + column;
  right[at] = Part(value.x);
  right[at + 64u] = Part(value.y);
  right[at + 128u] = Part(value.z);
  right[at + 192u] = Part(value.w);
}

// The product of what is staged, added to each subgroup's blocks.
fn multiply(blocks: ptr<function, Blocks>, worker: u32) {
  workgroupBarrier();
  for (var k = 0u; k < 16u; k += 8u) {
    var rows: array<Left, 4>;
    for (var i = 0u; i < 4u; i++) {
      rows[i] = subgroupMatrixLoad<Left>(&left, i * 128u + k, false, 16u);
    }
    for (var j = 0u; j < COLS; j++) {
      let columns = subgroupMatrixLoad<Right>(&right, k * 64u + (worker * COLS + j) * 8u, false, 64u);
      for (var i = 0u; i < 4u; i++) {
        (*blocks)[i][j] = subgroupMatrixMultiplyAccumulate(rows[i], columns, (*blocks)[i][j]);
      }
    }
  }
  workgroupBarrier();
}

// Into workgroup memory, for every invocation to read.
fn spread(blocks: ptr<function, Blocks>, worker: u32) {
  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < COLS; j++) {
      subgroupMatrixStore(&whole, i * 512u + (worker * COLS + j) * 8u, (*blocks)[i][j], false, 64u);
    }
  }
  workgroupBarrier();
}

fn four_of(row: u32, column: u32) -> vec4f {
  let at = row * 64u + column * 4u;
  return vec4f(whole[at], whole[at + 1u], whole[at + 2u], whole[at + 3u]);
}

// Rows of a matrix of vec4, of which the block's are the first 32 from `row` on.
struct Side {
  row: u32,
  stride: u32,
  offset: u32,
}

fn place_in(side: Side, row: u32) -> u32 {
  return min(side.row + row, params.rows - 1u) * side.stride + side.offset;
}

// Vec4 columns [k, k + 4) of a, zeros from `end` on.
fn stage_a(side: Side, lane: u32, k: u32, end: u32) {
  for (var i = lane; i < 128u; i += 64u) {
    let at = i % 4u;
    var value = vec4f();
    if (k + at < end) {
      value = a[place_in(side, i / 4u) + k + at];
    }
    stage_left_row(i / 4u, at * 4u, value);
  }
}

fn stage_h(side: Side, lane: u32, k: u32, end: u32) {
  for (var i = lane; i < 128u; i += 64u) {
    let at = i % 4u;
    var value = vec4f();
    if (k + at < end) {
      value = params.scale * h[place_in(side, i / 4u) + k + at];
    }
    stage_left_row(i / 4u, at * 4u, value);
  }
}

// c[i,j] = Σ_k a[i,k]·w[j,k] + bias[j] + Σ_r scale·h[i,r]·low_rank[j,r]
@compute @workgroup_size(64)
fn nt(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let worker = worker_of(lane);
  let row = group.x * 32u;
  let column = group.y * 64u;
  let k4 = (params.k + 3u) / 4u;
  var blocks: Blocks;
  for (var k = 0u; k < k4; k += 4u) {
    stage_a(Side(row, params.a_stride, params.a_offset), lane, k, k4);
    for (var i = lane; i < 256u; i += 64u) {
      let own = min(column + i / 4u, params.n - 1u);
      let at = min(k + i % 4u, k4 - 1u);
      stage_right_column(i % 4u * 4u, i / 4u, weight_at(weight_rows(vec4u(own), k4).x, at, k4));
    }
    multiply(&blocks, worker);
  }
  if (params.rank > 0u) {
    let rank4 = params.rank / 4u;
    let last = member_of(group.y * 16u + 15u, 0u, 0u).index;
    for (var m = member_of(group.y * 16u, 0u, 0u).index; m <= last; m++) {
      for (var k = 0u; k < rank4; k += 4u) {
        stage_h(Side(row, params.h_stride, params.h_offset + m * rank4), lane, k, rank4);
        for (var i = lane; i < 256u; i += 64u) {
          let own = min(column + i / 4u, params.n - 1u);
          let counts = select(0.0, 1.0, m == member_of((column + i / 4u) / 4u, 0u, 0u).index);
          let at = min(k + i % 4u, rank4 - 1u);
          stage_right_column(i % 4u * 4u, i / 4u, counts * low_rank[own * rank4 + at]);
        }
        multiply(&blocks, worker);
      }
    }
  }
  spread(&blocks, worker);
  for (var i = lane; i < 512u; i += 64u) {
    let own = group.y * 16u + i % 16u;
    if (row + i / 16u < params.rows && own * 4u < params.n) {
      let member = member_of(own, params.c_stride, params.c_offset);
      var value = four_of(i / 16u, i % 16u);
      if (params.bias == 1u) {
        value += bias[own];
      }
      let at = member.offset + (row + i / 16u) * member.stride + own - member.begin;
      c[at] = value + what_is_there(at);
    }
  }
}

// c[i,j] = Σ_k a[i,k]·w[k,j] + Σ_r scale·h[i,r]·low_rank[r,j]   or, without low-rank term, scale·Σ_k a[i,k]·w[k,j]
@compute @workgroup_size(64)
fn nn(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let worker = worker_of(lane);
  let row = group.x * 32u;
  let k4 = (params.k + 3u) / 4u;
  let n4 = (params.n + 3u) / 4u;
  let ends = vec3u(min(params.begin_1, k4), min(params.begin_2, k4), k4);
  var blocks: Blocks;
  var begin = 0u;
  for (var m = 0u; m < 3u; m++) {
    let end = ends[m];
    if (params.apart > 0u && m != group.z) {
      begin = end;
    }
    let member = member_of(begin, params.a_stride, params.a_offset);
    for (var k = begin; k < end; k += 4u) {
      stage_a(Side(row, member.stride, member.offset - member.begin), lane, k, end);
      for (var i = lane; i < 256u; i += 64u) {
        let own = weight_rows(vec4u(min(k * 4u + i / 16u, params.k - 1u)), n4).x;
        let value = weight_at(own, min(group.y * 16u + i % 16u, n4 - 1u), n4);
        stage_right_row(i / 16u, i % 16u * 4u, value);
      }
      multiply(&blocks, worker);
    }
    begin = end;
  }
  let rank4 = params.rank / 4u;
  for (var k = 0u; k < rank4; k += 4u) {
    stage_h(Side(row, params.h_stride, params.h_offset), lane, k, rank4);
    for (var i = lane; i < 256u; i += 64u) {
      let own = min(k * 4u + i / 16u, params.rank - 1u) * n4;
      stage_right_row(i / 16u, i % 16u * 4u, low_rank[own + min(group.y * 16u + i % 16u, n4 - 1u)]);
    }
    multiply(&blocks, worker);
  }
  spread(&blocks, worker);
  let scale = select(params.scale, 1.0, params.rank > 0u);
  for (var i = lane; i < 512u; i += 64u) {
    let own = group.y * 16u + i % 16u;
    if (row + i / 16u < params.rows && own < n4) {
      let at = params.c_offset + group.z * n4 + (row + i / 16u) * params.c_stride + own;
      c[at] = scale * four_of(i / 16u, i % 16u) + what_is_there(at);
    }
  }
}

// c[i,j] = scale·Σ_m a[m,i]·b[m,j]; a is one matrix, its columns K and b's columns N are multiples of 4
@compute @workgroup_size(64)
fn tn(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let worker = worker_of(lane);
  let row = group.y * 32u;   // a column of a
  let n4 = params.n / 4u;
  var blocks: Blocks;
  for (var m = 0u; m < params.rows; m += 16u) {
    for (var i = lane; i < 128u; i += 64u) {
      let own = min(row / 4u + i % 8u, params.k / 4u - 1u);
      var value = vec4f();
      if (m + i / 8u < params.rows) {
        value = a[params.a_offset + (m + i / 8u) * params.a_stride + own];
      }
      stage_left_column(i % 8u * 4u, i / 8u, value);
    }
    for (var i = lane; i < 256u; i += 64u) {
      let own = params.h_offset + min(m + i / 16u, params.rows - 1u) * params.h_stride;
      stage_right_row(i / 16u, i % 16u * 4u, b[own + min(group.x * 16u + i % 16u, n4 - 1u)]);
    }
    multiply(&blocks, worker);
  }
  spread(&blocks, worker);
  for (var i = lane; i < 512u; i += 64u) {
    let own = group.x * 16u + i % 16u;
    if (row + i / 16u < params.k && own < n4) {
      let at = params.c_offset + (row + i / 16u) * n4 + own;
      c[at] = params.scale * four_of(i / 16u, i % 16u) + what_is_there(at);
    }
  }
}
