// attention: o = softmax(s)·v, s = scale·q·kᵀ soft-capped, over each query's range of keys, grouped-query, flash style
// shapes    q [N,H,D]  k, v [T,KV,D]  ->  o [N,H,D]  stats [N,H,2];  do [N,H,D] -> dq [N,H,D]  dk, dv [T,KV,D]
// grid      forward, dq: one workgroup per 32 queries and head; dkv: per 32 keys and kv head
// tiling    8×8 invocations make 4×4 of a tile's 32×32 scores each, then own four rows by every eighth vec4 of the output
// numerics  online softmax in f32; forward saves log-sum-exp, backward recomputes p = exp(s − lse); T×T is never stored
// reference test/reference/attention.ts
//
// Which keys a query sees is a range [first, end): causal masks, packed segments, sliding windows and a cache are all
// ranges. key_ranges hold the same relation seen from the keys: the queries [first, end) that see a key. Neither end may
// decrease from one row to the next, so that the tiles a block visits follow from its first and last row.
//
// Heads wider than 128 are made in parts of 128 (grid z), each from scores of its own: sums stay in registers.

struct Params {
  queries: u32,   // N
  keys: u32,      // T
  width: u32,     // D/4: the bound of loops that need not be unrolled
  scale: f32,
  softcap: f32,   // s becomes softcap·tanh(s/softcap); 0 = it stays
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;                // [N,H,D]
@group(0) @binding(1) var<storage, read> k: array<vec4f>;                // [T,KV,D]
@group(0) @binding(2) var<storage, read> v: array<vec4f>;                // [T,KV,D]
@group(0) @binding(3) var<storage, read> ranges: array<vec2u>;           // forward, dq [N]; dkv [T]
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;          // forward [N,H,D]
@group(0) @binding(5) var<storage, read_write> stats_out: array<vec2f>;  // forward [N,H] (lse, 0)

@group(0) @binding(4) var<storage, read> dout: array<vec4f>;             // dq, dkv [N,H,D]
@group(0) @binding(5) var<storage, read> forward_o: array<vec4f>;        // dq [N,H,D]
@group(0) @binding(6) var<storage, read_write> dq_out: array<vec4f>;     // dq [N,H,D]
@group(0) @binding(7) var<storage, read_write> dq_stats: array<vec2f>;   // dq [N,H]: reads lse, writes delta
@group(0) @binding(5) var<storage, read> stats: array<vec2f>;            // dkv [N,H] (lse, delta)
@group(0) @binding(6) var<storage, read_write> dk_out: array<vec4f>;     // dkv [T,KV,D]
@group(0) @binding(7) var<storage, read_write> dv_out: array<vec4f>;     // dkv [T,KV,D]

const D4 = D / 4u;
const GROUP = H / KV;
const BLOCK = 32u;                // rows of a workgroup, and rows of the other side in one tile
const PART = min(D4, 32u);        // vec4 columns of the output that a workgroup makes
const OWN = (PART + 7u) / 8u;     // of which an invocation owns across, across + 8, across + 16, …
const FOUR = vec4u(0u, 1u, 2u, 3u);

// tile[8·other + down]: what four rows have with one row of the other side.
var<workgroup> tile: array<vec4f, 256>;
var<workgroup> second_tile: array<vec4f, 256>;   // dkv
var<workgroup> shared_rows: array<vec4f, 64>;    // forward: greatest scores of four rows; dq: parts of delta

fn greatest_of(x: vec4f) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

// Four rows of a matrix at vec4 column d, as the columns of a mat4x4f:  transpose(b) * a  is all sixteen dot products,
// those of a's first row in its first column.
fn rows_of_q(at: vec4u, d: u32) -> mat4x4f {
  return mat4x4f(q[at.x + d], q[at.y + d], q[at.z + d], q[at.w + d]);
}
fn rows_of_k(at: vec4u, d: u32) -> mat4x4f {
  return mat4x4f(k[at.x + d], k[at.y + d], k[at.z + d], k[at.w + d]);
}
fn rows_of_v(at: vec4u, d: u32) -> mat4x4f {
  return mat4x4f(v[at.x + d], v[at.y + d], v[at.z + d], v[at.w + d]);
}
fn rows_of_dout(at: vec4u, d: u32) -> mat4x4f {
  return mat4x4f(dout[at.x + d], dout[at.y + d], dout[at.z + d], dout[at.w + d]);
}

// Four rows' weights times one row of values: what each of the four rows adds to its sum.
fn outer(weights: vec4f, value: vec4f) -> mat4x4f {
  return mat4x4f(weights.x * value, weights.y * value, weights.z * value, weights.w * value);
}

// Which of four indices lie in [range.x, range.y).
fn inside(index: vec4u, range: vec2u) -> vec4<bool> {
  return (index >= vec4u(range.x)) & (index < vec4u(range.y));
}

// Into the tile: four rows' values for four rows of the other side, turned round.
fn lay_out(values: mat4x4f, across: u32, down: u32) {
  let turned = transpose(values);
  for (var j = 0u; j < 4u; j++) {
    tile[8u * (4u * across + j) + down] = turned[j];
  }
}

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let down = lane / 8u;
  let across = lane % 8u;
  let head = group.y;
  let first = group.x * BLOCK;
  let last = min(first + BLOCK, params.queries) - 1u;
  let rows = min(first + 4u * down + FOUR, vec4u(last));
  let q_at = (rows * H + head) * D4;
  let column = group.z * PART + across;
  var sums: array<mat4x4f, OWN>;
  var greatest = vec4f(-1e30);
  var weight = vec4f();
  let end = ranges[last].y;
  for (var block = ranges[first].x; block < end; block += BLOCK) {
    let keys = block + 4u * across + FOUR;
    let at = (min(keys, vec4u(params.keys - 1u)) * KV + head / GROUP) * D4;
    var scores = mat4x4f();
    for (var d = 0u; d < params.width; d++) {
      scores += transpose(rows_of_k(at, d)) * rows_of_q(q_at, d);
    }
    var top = vec4f();
    for (var i = 0u; i < 4u; i++) {
      let s = soft_capped(scores[i] * params.scale, params.softcap);
      scores[i] = select(vec4f(-1e30), s, inside(keys, ranges[rows[i]]));
      top[i] = greatest_of(scores[i]);
    }
    shared_rows[lane] = top;
    workgroupBarrier();
    // Keep exp(score − greatest): when a greater score comes, what was summed so far shrinks by the same factor.
    var raised = greatest;
    for (var j = 0u; j < 8u; j++) {
      raised = max(raised, shared_rows[8u * down + j]);
    }
    let shrink = exp(greatest - raised);
    greatest = raised;
    weight *= shrink;
    for (var i = 0u; i < OWN; i++) {
      sums[i] = mat4x4f(shrink.x * sums[i][0], shrink.y * sums[i][1], shrink.z * sums[i][2], shrink.w * sums[i][3]);
    }
    for (var i = 0u; i < 4u; i++) {
      scores[i] = select(vec4f(), exp(scores[i] - raised[i]), inside(keys, ranges[rows[i]]));
    }
    lay_out(scores, across, down);
    workgroupBarrier();
    for (var j = 0u; j < min(BLOCK, end - block); j++) {
      let p = tile[8u * j + down];
      weight += p;
      let v_at = ((block + j) * KV + head / GROUP) * D4;
      for (var i = 0u; i < OWN; i++) {
        sums[i] += outer(p, v[v_at + min(column + 8u * i, D4 - 1u)]);
      }
    }
  }
  // A query that sees no key gives zeros.
  let inverse = select(vec4f(), 1.0 / weight, weight > vec4f());
  for (var r = 0u; r < 4u; r++) {
    if (first + 4u * down + r > last) {
      return;
    }
    for (var i = 0u; i < OWN; i++) {
      if (across + 8u * i < PART && column + 8u * i < D4) {
        o[q_at[r] + column + 8u * i] = sums[i][r] * inverse[r];
      }
    }
    if (across == 0u && group.z == 0u) {
      stats_out[rows[r] * H + head] = vec2f(greatest[r] + log(max(weight[r], 1e-30)), 0.0);
    }
  }
}

// s = cap(scale·q·k), p = exp(s − lse), dp = do·v, ds = p·(dp − delta)·cap′:  dq = scale·Σ_key ds·k
// delta = Σ_d do·o is what the softmax's normalisation takes away from every score of a row
@compute @workgroup_size(64)
fn dq(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let down = lane / 8u;
  let across = lane % 8u;
  let head = group.y;
  let first = group.x * BLOCK;
  let last = min(first + BLOCK, params.queries) - 1u;
  let rows = min(first + 4u * down + FOUR, vec4u(last));
  let q_at = (rows * H + head) * D4;
  let column = group.z * PART + across;
  var lse = vec4f();
  var delta = vec4f();
  for (var i = 0u; i < 4u; i++) {
    lse[i] = dq_stats[rows[i] * H + head].x;
    for (var d = across; d < params.width; d += 8u) {
      delta[i] += dot(forward_o[q_at[i] + d], dout[q_at[i] + d]);
    }
  }
  shared_rows[lane] = delta;
  workgroupBarrier();
  delta = vec4f();
  for (var j = 0u; j < 8u; j++) {
    delta += shared_rows[8u * down + j];
  }
  var sums: array<mat4x4f, OWN>;
  let end = ranges[last].y;
  for (var block = ranges[first].x; block < end; block += BLOCK) {
    let keys = block + 4u * across + FOUR;
    let at = (min(keys, vec4u(params.keys - 1u)) * KV + head / GROUP) * D4;
    var scores = mat4x4f();
    var dp = mat4x4f();
    for (var d = 0u; d < params.width; d++) {
      scores += transpose(rows_of_k(at, d)) * rows_of_q(q_at, d);
      dp += transpose(rows_of_v(at, d)) * rows_of_dout(q_at, d);
    }
    for (var i = 0u; i < 4u; i++) {
      let s = soft_capped(scores[i] * params.scale, params.softcap);
      let p = select(vec4f(), exp(s - lse[i]), inside(keys, ranges[rows[i]]));
      scores[i] = p * (dp[i] - delta[i]) * cap_slope(s, params.softcap);
    }
    lay_out(scores, across, down);
    workgroupBarrier();
    for (var j = 0u; j < min(BLOCK, end - block); j++) {
      let ds = tile[8u * j + down];
      let k_at = ((block + j) * KV + head / GROUP) * D4;
      for (var i = 0u; i < OWN; i++) {
        sums[i] += outer(ds, k[k_at + min(column + 8u * i, D4 - 1u)]);
      }
    }
    workgroupBarrier();
  }
  for (var r = 0u; r < 4u; r++) {
    if (first + 4u * down + r > last) {
      return;
    }
    for (var i = 0u; i < OWN; i++) {
      if (across + 8u * i < PART && column + 8u * i < D4) {
        dq_out[q_at[r] + column + 8u * i] = sums[i][r] * params.scale;
      }
    }
    if (across == 0u && group.z == 0u) {
      dq_stats[rows[r] * H + head].y = delta[r];
    }
  }
}

// dv = Σ_query p·do   dk = scale·Σ_query ds·q, over the queries that see this key and the heads that share it
@compute @workgroup_size(64)
fn dkv(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let down = lane / 8u;
  let across = lane % 8u;
  let kv_head = group.y;
  let first = group.x * BLOCK;
  let last = min(first + BLOCK, params.keys) - 1u;
  let rows = min(first + 4u * down + FOUR, vec4u(last));
  let k_at = (rows * KV + kv_head) * D4;
  let column = group.z * PART + across;
  var dk_sums: array<mat4x4f, OWN>;
  var dv_sums: array<mat4x4f, OWN>;
  let begin = ranges[first].x;
  let end = ranges[last].y;
  for (var head = kv_head * GROUP; head < (kv_head + 1u) * GROUP; head++) {
    for (var block = begin; block < end; block += BLOCK) {
      let queries = block + 4u * across + FOUR;
      let others = min(queries, vec4u(params.queries - 1u)) * H + head;
      let at = others * D4;
      var scores = mat4x4f();
      var dp = mat4x4f();
      for (var d = 0u; d < params.width; d++) {
        scores += transpose(rows_of_q(at, d)) * rows_of_k(k_at, d);
        dp += transpose(rows_of_dout(at, d)) * rows_of_v(k_at, d);
      }
      let stat = mat4x2f(stats[others.x], stats[others.y], stats[others.z], stats[others.w]);
      let lse = vec4f(stat[0].x, stat[1].x, stat[2].x, stat[3].x);
      let delta = vec4f(stat[0].y, stat[1].y, stat[2].y, stat[3].y);
      for (var i = 0u; i < 4u; i++) {
        let s = soft_capped(scores[i] * params.scale, params.softcap);
        scores[i] = select(vec4f(), exp(s - lse), inside(queries, ranges[rows[i]]));
        dp[i] = scores[i] * (dp[i] - delta) * cap_slope(s, params.softcap);
      }
      lay_out(scores, across, down);
      let turned = transpose(dp);
      for (var j = 0u; j < 4u; j++) {
        second_tile[8u * (4u * across + j) + down] = turned[j];
      }
      workgroupBarrier();
      for (var j = 0u; j < min(BLOCK, end - block); j++) {
        let p = tile[8u * j + down];
        let ds = second_tile[8u * j + down];
        let row_at = ((block + j) * H + head) * D4;
        for (var i = 0u; i < OWN; i++) {
          let c = min(column + 8u * i, D4 - 1u);
          dv_sums[i] += outer(p, dout[row_at + c]);
          dk_sums[i] += outer(ds, q[row_at + c]);
        }
      }
      workgroupBarrier();
    }
  }
  for (var r = 0u; r < 4u; r++) {
    if (first + 4u * down + r > last) {
      return;
    }
    for (var i = 0u; i < OWN; i++) {
      if (across + 8u * i < PART && column + 8u * i < D4) {
        dk_out[k_at[r] + column + 8u * i] = dk_sums[i][r] * params.scale;
        dv_out[k_at[r] + column + 8u * i] = dv_sums[i][r];
      }
    }
  }
}
