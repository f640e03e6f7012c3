// attention: o = softmax(scale·q·kᵀ)·v over each query's range of keys, grouped-query, flash style
// shapes    q [N,H,D]  k, v [T,KV,D]  ->  o [N,H,D]  stats [N,H,2];  do [N,H,D] -> dq [N,H,D]  dk, dv [T,KV,D]
// grid      forward, dq: one workgroup per 16 queries and head (forward_few: per query); dkv: per 16 keys and kv head
// tiling    four invocations share a row: each makes 4 of the 16 scores of a tile, then owns a quarter of the row's output
// numerics  online softmax in f32; forward saves log-sum-exp, backward recomputes p = exp(s − lse); T×T is never stored
// reference test/reference/attention.ts
//
// Which keys a query sees is a range [first, end): causal masks, packed segments, sliding windows and a cache are all
// ranges. key_ranges hold the same relation seen from the keys: the queries [first, end) that see a key. Neither end may
// decrease from one row to the next, so that the tiles a block visits follow from its first and last row.

struct Params {
  queries: u32,   // N
  keys: u32,      // T
  width: u32,     // D/4: the bound of loops that need not be unrolled
  scale: f32,
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
const BLOCK = 16u;             // rows of a workgroup, and rows of the other side in one tile
const OWN = (D4 + 3u) / 4u;    // vec4 of its row's output that one invocation owns: part, part + 4, part + 8, …
const FOUR = vec4u(0u, 1u, 2u, 3u);

// tile[lane]: four neighbouring values of row lane/4; a row's sixteen are tile[4·row] … tile[4·row + 3].
var<workgroup> tile: array<vec4f, 64>;
var<workgroup> second_tile: array<vec4f, 64>;   // dkv
var<workgroup> maxima: array<f32, 64>;          // forward, dq

fn greatest_of(x: vec4f) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

// Four rows of a matrix at vec4 column d, as the columns of a mat4x4f:  x * rows_of_k(at, d)  is four dot products.
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

// Which of four indices lie in [range.x, range.y).
fn inside(index: vec4u, range: vec2u) -> vec4<bool> {
  return (index >= vec4u(range.x)) & (index < vec4u(range.y));
}

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = lane / 4u;
  let part = lane % 4u;
  let head = group.y;
  let first = group.x * BLOCK;
  let last = min(first + BLOCK, params.queries) - 1u;
  let query = min(first + row, last);
  let range = ranges[query];
  let q_at = (query * H + head) * D4;
  var sum: array<vec4f, OWN>;
  var greatest = -1e30;
  var weight = 0.0;
  let end = ranges[last].y;
  for (var block = ranges[first].x; block < end; block += BLOCK) {
    let keys = block + part * 4u + FOUR;
    let at = (min(keys, vec4u(params.keys - 1u)) * KV + head / GROUP) * D4;
    var scores = vec4f();
    for (var d = 0u; d < params.width; d++) {
      scores += q[q_at + d] * rows_of_k(at, d);
    }
    let seen = inside(keys, range);
    scores = select(vec4f(-1e30), scores * params.scale, seen);
    maxima[lane] = greatest_of(scores);
    workgroupBarrier();
    // Keep exp(score − greatest): when a greater score comes, what was summed so far shrinks by the same factor.
    let mine = 4u * row;
    let tile_greatest = greatest_of(vec4f(maxima[mine], maxima[mine + 1u], maxima[mine + 2u], maxima[mine + 3u]));
    let raised = max(greatest, tile_greatest);
    let shrink = exp(greatest - raised);
    greatest = raised;
    weight *= shrink;
    for (var i = 0u; i < OWN; i++) {
      sum[i] *= shrink;
    }
    tile[lane] = select(vec4f(), exp(scores - raised), seen);
    workgroupBarrier();
    for (var key = block; key < min(block + BLOCK, end); key++) {
      let p = tile[mine + (key - block) / 4u][(key - block) % 4u];
      weight += p;
      let v_at = (key * KV + head / GROUP) * D4;
      for (var i = 0u; i < OWN; i++) {
        sum[i] += p * v[v_at + min(4u * i + part, D4 - 1u)];
      }
    }
  }
  if (first + row > last) {
    return;
  }
  // A query that sees no key gives zeros.
  let inverse = select(0.0, 1.0 / weight, weight > 0.0);
  for (var i = 0u; i < OWN; i++) {
    if (4u * i + part < D4) {
      o[q_at + 4u * i + part] = sum[i] * inverse;
    }
  }
  if (part == 0u) {
    stats_out[query * H + head] = vec2f(greatest + log(max(weight, 1e-30)), 0.0);
  }
}

const SHARES = max(64u / D4, 1u);   // forward_few: groups of D4 invocations, each of which sums its share of the keys

// As forward, for one query: in a tile of 64 keys each invocation makes one score, then owns one vec4 of the output for
// every SHARES-th key.
@compute @workgroup_size(64)
fn forward_few(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let query = group.x;
  let head = group.y;
  let range = ranges[query];
  let q_at = (query * H + head) * D4;
  let share = lane / D4;
  let column = lane % D4;
  var sum = vec4f();
  var greatest = -1e30;
  var weight = 0.0;
  for (var block = range.x; block < range.y; block += 64u) {
    let count = min(64u, range.y - block);
    let k_at = (min(block + lane, range.y - 1u) * KV + head / GROUP) * D4;
    var products = vec4f();
    for (var d = 0u; d < params.width; d++) {
      products += q[q_at + d] * k[k_at + d];
    }
    let score = select(-1e30, dot(products, vec4f(params.scale)), lane < count);
    maxima[lane] = score;
    workgroupBarrier();
    var raised = greatest;
    for (var i = 0u; i < count; i++) {
      raised = max(raised, maxima[i]);
    }
    workgroupBarrier();
    maxima[lane] = exp(score - raised);
    let shrink = exp(greatest - raised);
    greatest = raised;
    weight *= shrink;
    sum *= shrink;
    workgroupBarrier();
    for (var i = share; i < count; i += SHARES) {
      weight += maxima[i];
      sum += maxima[i] * v[((block + i) * KV + head / GROUP) * D4 + column];
    }
    workgroupBarrier();
  }
  tile[lane] = sum;
  maxima[lane] = weight;
  workgroupBarrier();
  if (share > 0u) {
    return;
  }
  for (var i = 1u; i < SHARES; i++) {
    sum += tile[lane + i * D4];
    weight += maxima[lane + i * D4];
  }
  o[q_at + column] = sum * select(0.0, 1.0 / weight, weight > 0.0);
  if (lane == 0u) {
    stats_out[query * H + head] = vec2f(greatest + log(max(weight, 1e-30)), 0.0);
  }
}

// s = scale·q·k, p = exp(s − lse), dp = do·v, ds = p·(dp − delta):  dq = scale·Σ_key ds·k
// delta = Σ_d do·o is what the softmax's normalisation takes away from every score of a row
@compute @workgroup_size(64)
fn dq(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = lane / 4u;
  let part = lane % 4u;
  let head = group.y;
  let first = group.x * BLOCK;
  let last = min(first + BLOCK, params.queries) - 1u;
  let query = min(first + row, last);
  let range = ranges[query];
  let q_at = (query * H + head) * D4;
  var products = 0.0;
  for (var d = part; d < params.width; d += 4u) {
    products += dot(forward_o[q_at + d], dout[q_at + d]);
  }
  maxima[lane] = products;
  workgroupBarrier();
  let mine = 4u * row;
  let lse = dq_stats[query * H + head].x;
  let delta = maxima[mine] + maxima[mine + 1u] + maxima[mine + 2u] + maxima[mine + 3u];
  var sum: array<vec4f, OWN>;
  let end = ranges[last].y;
  for (var block = ranges[first].x; block < end; block += BLOCK) {
    let keys = block + part * 4u + FOUR;
    let at = (min(keys, vec4u(params.keys - 1u)) * KV + head / GROUP) * D4;
    var scores = vec4f();
    var dp = vec4f();
    for (var d = 0u; d < params.width; d++) {
      scores += q[q_at + d] * rows_of_k(at, d);
      dp += dout[q_at + d] * rows_of_v(at, d);
    }
    let p = select(vec4f(), exp(scores * params.scale - lse), inside(keys, range));
    tile[lane] = p * (dp - delta);
    workgroupBarrier();
    for (var key = block; key < min(block + BLOCK, end); key++) {
      let ds = tile[mine + (key - block) / 4u][(key - block) % 4u];
      let k_at = (key * KV + head / GROUP) * D4;
      for (var i = 0u; i < OWN; i++) {
        sum[i] += ds * k[k_at + min(4u * i + part, D4 - 1u)];
      }
    }
    workgroupBarrier();
  }
  for (var i = 0u; i < OWN; i++) {
    if (first + row <= last && 4u * i + part < D4) {
      dq_out[q_at + 4u * i + part] = sum[i] * params.scale;
    }
  }
  if (first + row <= last && part == 0u) {
    dq_stats[query * H + head].y = delta;
  }
}

// dv = Σ_query p·do   dk = scale·Σ_query ds·q, over the queries that see this key and the heads that share it
@compute @workgroup_size(64)
fn dkv(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = lane / 4u;
  let part = lane % 4u;
  let kv_head = group.y;
  let first = group.x * BLOCK;
  let last = min(first + BLOCK, params.keys) - 1u;
  let key = min(first + row, last);
  let range = ranges[key];
  let k_at = (key * KV + kv_head) * D4;
  var dk_sum: array<vec4f, OWN>;
  var dv_sum: array<vec4f, OWN>;
  let begin = ranges[first].x;
  let end = ranges[last].y;
  for (var head = kv_head * GROUP; head < (kv_head + 1u) * GROUP; head++) {
    for (var block = begin; block < end; block += BLOCK) {
      let queries = block + part * 4u + FOUR;
      let rows = min(queries, vec4u(params.queries - 1u)) * H + head;
      let at = rows * D4;
      var scores = vec4f();
      var dp = vec4f();
      for (var d = 0u; d < params.width; d++) {
        scores += k[k_at + d] * rows_of_q(at, d);
        dp += v[k_at + d] * rows_of_dout(at, d);
      }
      let stat = mat4x2f(stats[rows.x], stats[rows.y], stats[rows.z], stats[rows.w]);
      let row_lse = vec4f(stat[0].x, stat[1].x, stat[2].x, stat[3].x);
      let row_delta = vec4f(stat[0].y, stat[1].y, stat[2].y, stat[3].y);
      let p = select(vec4f(), exp(scores * params.scale - row_lse), inside(queries, range));
      tile[lane] = p;
      second_tile[lane] = p * (dp - row_delta);
      workgroupBarrier();
      for (var query = block; query < min(block + BLOCK, end); query++) {
        let at_tile = vec2u(4u * row + (query - block) / 4u, (query - block) % 4u);
        let pj = tile[at_tile.x][at_tile.y];
        let ds = second_tile[at_tile.x][at_tile.y];
        let q_at = (query * H + head) * D4;
        for (var i = 0u; i < OWN; i++) {
          let c = min(4u * i + part, D4 - 1u);
          dv_sum[i] += pj * dout[q_at + c];
          dk_sum[i] += ds * q[q_at + c];
        }
      }
      workgroupBarrier();
    }
  }
  for (var i = 0u; i < OWN; i++) {
    if (first + row <= last && 4u * i + part < D4) {
      dk_out[k_at + 4u * i + part] = dk_sum[i] * params.scale;
      dv_out[k_at + 4u * i + part] = dv_sum[i];
    }
  }
}
