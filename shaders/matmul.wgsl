// matmul: c = scale·(a · b) in the layouts NT (b transposed), NN and TN (a transposed), with bias, low-rank term, c +=
// shapes    nt: a [M,K] w [N,K] -> c [M,N]   nn: a [M,K] w [K,N] -> c [M,N]   tn: a [M,K] b [M,N] -> c [K,N]
// grid      SHARE invocations per ROWS×4 block of c, 64 per workgroup: SHARE × WX × the rest; nt_few: one workgroup per row of a
// tiling    each step of four loads 4 vec4 of w and ROWS of a (how: lib/rows-…), 64 FMAs for each four rows
// numerics  products and sums in f32 for every weight type; rows past the end are clamped, read twice, never stored
// reference test/reference/matmul.ts
//
// A mat4x4f here holds four rows of the logical matrix as its four columns, so that  acc += B * A  adds, for each of
// the four rows i of a,  a[i].x·b[0] + a[i].y·b[1] + a[i].z·b[2] + a[i].w·b[3].
//
// Layers that share an input are one product: their weights lie one behind another as one matrix, and on the other side
// (c in nt, a in nn and tn) up to three whole matrices lie one behind another, the members.
//
// All sizes come at run time: one pipeline serves every layer, and no compiler unrolls a loop of 896 steps. Only the
// weight's storage, the width WX of a workgroup and the form (which rows-… and sum-… piece) make a variant.

// An invocation's block of c. Workgroups along x run one after another, and what they share stays in a cache. In nt and nn they
// make further rows of the same columns: a's rows are read straight on, the panel of w is what is far apart. In tn both are, and
// they make further columns of the same rows: of the tall form's block, 256 × 32, the columns of a are the larger panel.
struct Place {
  column: u32,   // in vec4 units
  row: u32,      // the first of ROWS
}

fn place_of(group: vec3u, local: vec3u) -> Place {
  return Place(group.y * WX + local.y, (group.x * (64u / WX / SHARE) + local.z) * ROWS);
}

fn scaled(sums: Sums) -> Sums {
  return add_scaled(Sums(), params.scale, sums);
}

fn store(acc: mat4x4f, row: u32, rows: u32, stride: u32, first: u32) {
  for (var i = 0u; i < 4u; i++) {
    if (row + i < rows) {
      let at = first + (row + i) * stride;
      c[at] = acc[i] + what_is_there(at);
    }
  }
}

// c[i,j] = Σ_k a[i,k]·w[j,k] + bias[j] + scale·Σ_r h[i,r]·low_rank[j,r]
@compute @workgroup_size(SHARE, WX, 64u / WX / SHARE)
fn nt(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = part_of(local.x);
  let place = place_of(group, local);
  let k4 = (params.k + 3u) / 4u;
  let rows = place_rows(place.row, params.a_stride, params.a_offset, lane);
  let w_rows = four_rows(place.column * 4u, params.n);
  let w_at = weight_rows(w_rows, k4);
  var sums = Sums();
  for (var k = part; k < k4; k += SHARE) {
    let w = mat4x4f(
      weight_at(w_at.x, k, k4), weight_at(w_at.y, k, k4), weight_at(w_at.z, k, k4), weight_at(w_at.w, k, k4),
    );
    sums = add_products(sums, transpose(w), rows_of_a(rows, k, k, k4));
  }
  let member = member_of(place.column, params.c_stride, params.c_offset);
  if (params.rank > 0u) {
    let first = member_of(group.y * WX, 0u, 0u).index;
    let last = member_of(group.y * WX + WX - 1u, 0u, 0u).index;
    let rank4 = params.rank / 4u;
    var extra = Sums();
    // Of the members that this workgroup meets all take part, since rows may be handed round; one of them counts.
    for (var m = first; m <= last; m++) {
      let h_rows = place_rows(place.row, params.h_stride, params.h_offset + m * rank4, lane);
      let counts = select(0.0, 1.0, m == member.index);
      for (var k = part; k < rank4; k += SHARE) {
        let at = w_rows * rank4 + k;
        let l = mat4x4f(low_rank[at.x], low_rank[at.y], low_rank[at.z], low_rank[at.w]);
        extra = add_products(extra, counts * transpose(l), rows_of_h(h_rows, k, k, rank4));
      }
    }
    sums = add_scaled(sums, params.scale, extra);
  }
  sums = gather(sums, part, lane);
  if (part > 0u || place.column * 4u >= params.n) {
    return;
  }
  if (params.bias == 1u) {
    sums = add_to_rows(sums, bias[place.column]);
  }
  store_sums(sums, place.row, params.rows, member.stride, member.offset + place.column - member.begin);
}

var<workgroup> partial: array<vec4f, 64>;   // nt_few

// As nt, but WX invocations share the sum of four columns: neighbours read neighbours of w, which is all that is read.
@compute @workgroup_size(64)
fn nt_few(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let part = lane % WX;
  let row = group.y;
  let column = group.x * (64u / WX) + lane / WX;
  let k4 = (params.k + 3u) / 4u;
  let a_at = params.a_offset + row * params.a_stride;
  let w_rows = four_rows(column * 4u, params.n);
  let w_at = weight_rows(w_rows, k4);
  var sum = vec4f();
  for (var k = part; k < k4; k += WX) {
    sum += a[a_at + k] * mat4x4f(
      weight_at(w_at.x, k, k4), weight_at(w_at.y, k, k4), weight_at(w_at.z, k, k4), weight_at(w_at.w, k, k4),
    );
  }
  let rank4 = params.rank / 4u;
  let l_at = w_rows * rank4;
  let member = member_of(column, params.c_stride, params.c_offset);
  let h_at = params.h_offset + member.index * rank4 + row * params.h_stride;
  for (var k = part; k < rank4; k += WX) {
    let l = mat4x4f(low_rank[l_at.x + k], low_rank[l_at.y + k], low_rank[l_at.z + k], low_rank[l_at.w + k]);
    sum += params.scale * h[h_at + k] * l;
  }
  partial[lane] = sum;
  workgroupBarrier();
  if (part > 0u || column * 4u >= params.n) {
    return;
  }
  for (var i = 1u; i < WX; i++) {
    sum += partial[lane + i];
  }
  if (params.bias == 1u) {
    sum += bias[column];
  }
  let at = member.offset + row * member.stride + column - member.begin;
  c[at] = sum + what_is_there(at);
}

// c[i,j] = Σ_k a[i,k]·w[k,j] + scale·Σ_r h[i,r]·low_rank[r,j]   or, without low-rank term, scale·Σ_k a[i,k]·w[k,j]
@compute @workgroup_size(SHARE, WX, 64u / WX / SHARE)
fn nn(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = part_of(local.x);
  let place = place_of(group, local);
  let k4 = (params.k + 3u) / 4u;
  let n4 = (params.n + 3u) / 4u;
  let w_column = min(place.column, n4 - 1u);
  let ends = vec3u(min(params.begin_1, k4), min(params.begin_2, k4), k4);
  var sums = Sums();
  var begin = 0u;
  for (var m = 0u; m < 3u; m++) {
    let end = ends[m];
    if (params.apart > 0u && m != group.z) {
      begin = end;
    }
    let member = member_of(begin, params.a_stride, params.a_offset);
    let rows = place_rows(place.row, member.stride, member.offset - member.begin, lane);
    for (var k = begin + part; k < end; k += SHARE) {
      // Where K is no multiple of 4, a holds zeros past it and any finite row of w will do.
      let w_at = weight_rows(four_rows(k * 4u, params.k), n4);
      let w = mat4x4f(
        weight_at(w_at.x, w_column, n4), weight_at(w_at.y, w_column, n4),
        weight_at(w_at.z, w_column, n4), weight_at(w_at.w, w_column, n4),
      );
      sums = add_products(sums, w, rows_of_a(rows, k, k - begin, end));
    }
    begin = end;
  }
  if (params.rank > 0u) {
    let rank4 = params.rank / 4u;
    let h_rows = place_rows(place.row, params.h_stride, params.h_offset, lane);
    var extra = Sums();
    for (var k = part; k < rank4; k += SHARE) {
      let at = k * 4u * n4 + w_column;
      let l = mat4x4f(low_rank[at], low_rank[at + n4], low_rank[at + 2u * n4], low_rank[at + 3u * n4]);
      extra = add_products(extra, l, rows_of_h(h_rows, k, k, rank4));
    }
    sums = add_scaled(sums, params.scale, extra);
  } else {
    sums = scaled(sums);
  }
  sums = gather(sums, part, lane);
  if (part == 0u && place.column < n4) {
    store_sums(sums, place.row, params.rows, params.c_stride, params.c_offset + group.z * n4 + place.column);
  }
}

// c[i,j] = scale·Σ_m a[m,i]·b[m,j]; a's columns K and b's columns N are multiples of 4
@compute @workgroup_size(SHARE, WX, 64u / WX / SHARE)
fn tn(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let part = part_of(local.x);
  let place = place_of(group.yxz, local);    // its rows are columns of a
  let n4 = params.n / 4u;
  let member = member_of(min(place.row, params.k - 4u) / 4u, params.a_stride, params.a_offset);
  let columns = place_columns(place.row / 4u, member.stride, member.offset - member.begin, lane);
  let b_at = params.h_offset + member.index * n4 + min(place.column, n4 - 1u);
  var sums = Sums();
  let whole = params.rows & ~3u;
  // No clamping in here: of four whole rows each is there.
  var at = b_at + (4u * part + vec4u(0u, 1u, 2u, 3u)) * params.h_stride;
  for (var m = 4u * part; m < whole; m += 4u * SHARE) {
    sums = add_products(sums, mat4x4f(b[at.x], b[at.y], b[at.z], b[at.w]), columns_of_a(columns, m));
    at += 4u * SHARE * params.h_stride;
  }
  if (whole < params.rows) {
    at = b_at + four_rows(whole, params.rows) * params.h_stride;
    let left = select(0u, params.rows - whole, part == 0u);
    let right = first_columns(mat4x4f(b[at.x], b[at.y], b[at.z], b[at.w]), left);
    sums = add_products(sums, right, columns_of_a(columns, whole));
  }
  sums = gather(scaled(sums), part, lane);
  if (part == 0u && place.column < n4) {
    store_sums(sums, place.row, params.k, n4, place.column);
  }
}

// Zeros in place of the others.
fn first_columns(all: mat4x4f, count: u32) -> mat4x4f {
  return mat4x4f(
    select(vec4f(), all[0], count > 0u), select(vec4f(), all[1], count > 1u),
    select(vec4f(), all[2], count > 2u), select(vec4f(), all[3], count > 3u),
  );
}
