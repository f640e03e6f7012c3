// attention: o = softmax(q·kᵀ·scale)·v over each query's range of keys, grouped-query, flash style
// shapes    q [N,H,D]  k, v [T,KV,D]  ->  o [N,H,D]  lse [N,H];  do [N,H,D] -> dq [N,H,D]  dk, dv [T,KV,D]
// grid      forward, dq: one invocation per query and head; dkv: one per key and kv head; 64 per workgroup
// tiling    an invocation keeps its own row in registers and walks the other side; T×T is never stored
// numerics  online softmax in f32; forward saves log-sum-exp, backward recomputes p = exp(s − lse)
// reference test/reference/attention.ts
//
// Which keys a query sees is a range [first, end): causal masks, packed segments, sliding windows and a cache are all
// ranges. key_ranges hold the same relation seen from the keys: the queries [first, end) that see a key.

struct Params {
  queries: u32,   // N
  keys: u32,      // T
  scale: f32,
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;                // [N,H,D]
@group(0) @binding(1) var<storage, read> k: array<vec4f>;                // [T,KV,D]
@group(0) @binding(2) var<storage, read> v: array<vec4f>;                // [T,KV,D]
@group(0) @binding(3) var<storage, read> ranges: array<vec2u>;           // forward, dq [N]; dkv [T]
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;          // forward [N,H,D]
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;          // forward [N,H]

@group(0) @binding(4) var<storage, read> dout: array<vec4f>;             // dq, dkv [N,H,D]
@group(0) @binding(5) var<storage, read> stats: array<vec2f>;            // dq, dkv [N,H] (lse, delta)
@group(0) @binding(6) var<storage, read_write> dq_out: array<vec4f>;     // dq [N,H,D]
@group(0) @binding(6) var<storage, read_write> dk_out: array<vec4f>;     // dkv [T,KV,D]
@group(0) @binding(7) var<storage, read_write> dv_out: array<vec4f>;     // dkv [T,KV,D]

@group(0) @binding(0) var<storage, read> delta_o: array<vec4f>;          // delta [N,H,D]
@group(0) @binding(1) var<storage, read> delta_dout: array<vec4f>;       // delta [N,H,D]
@group(0) @binding(2) var<storage, read> delta_lse: array<f32>;          // delta [N,H]
@group(0) @binding(3) var<storage, read_write> stats_out: array<vec2f>;  // delta [N,H]

const D4 = D / 4u;
const GROUP = H / KV;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u) {
  let query = id.x;
  let head = id.y;
  if (query >= params.queries) {
    return;
  }
  let q_at = (query * H + head) * D4;
  var row: array<vec4f, D4>;
  var sum: array<vec4f, D4>;
  for (var d = 0u; d < D4; d++) {
    row[d] = q[q_at + d] * params.scale;
    sum[d] = vec4f();
  }
  var greatest = -1e30;
  var weight = 0.0;
  let range = ranges[query];
  for (var key = range.x; key < range.y; key++) {
    let at = (key * KV + head / GROUP) * D4;
    var score = 0.0;
    for (var d = 0u; d < D4; d++) {
      score += dot(row[d], k[at + d]);
    }
    // Keep exp(score − greatest): when a greater score comes, what was summed so far shrinks by the same factor.
    let raised = max(greatest, score);
    let shrink = exp(greatest - raised);
    let p = exp(score - raised);
    weight = weight * shrink + p;
    for (var d = 0u; d < D4; d++) {
      sum[d] = sum[d] * shrink + p * v[at + d];
    }
    greatest = raised;
  }
  // A query that sees no key gives zeros.
  let inverse = select(0.0, 1.0 / weight, weight > 0.0);
  for (var d = 0u; d < D4; d++) {
    o[q_at + d] = sum[d] * inverse;
  }
  lse[query * H + head] = greatest + log(max(weight, 1e-30));
}

// delta = Σ_d do·o: what the softmax's normalisation takes away from every score of a row
@compute @workgroup_size(64)
fn delta(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.queries * H) {
    return;
  }
  var sum = 0.0;
  for (var d = 0u; d < D4; d++) {
    sum += dot(delta_o[i * D4 + d], delta_dout[i * D4 + d]);
  }
  stats_out[i] = vec2f(delta_lse[i], sum);
}

// s = scale·q·k, p = exp(s − lse), dp = do·v, ds = p·(dp − delta):  dq = scale·Σ_key ds·k
@compute @workgroup_size(64)
fn dq(@builtin(global_invocation_id) id: vec3u) {
  let query = id.x;
  let head = id.y;
  if (query >= params.queries) {
    return;
  }
  let q_at = (query * H + head) * D4;
  let stat = stats[query * H + head];
  var row: array<vec4f, D4>;
  var gradient: array<vec4f, D4>;
  var sum: array<vec4f, D4>;
  for (var d = 0u; d < D4; d++) {
    row[d] = q[q_at + d] * params.scale;
    gradient[d] = dout[q_at + d];
    sum[d] = vec4f();
  }
  let range = ranges[query];
  for (var key = range.x; key < range.y; key++) {
    let at = (key * KV + head / GROUP) * D4;
    var score = 0.0;
    var dp = 0.0;
    for (var d = 0u; d < D4; d++) {
      score += dot(row[d], k[at + d]);
      dp += dot(gradient[d], v[at + d]);
    }
    let ds = exp(score - stat.x) * (dp - stat.y);
    for (var d = 0u; d < D4; d++) {
      sum[d] += ds * k[at + d];
    }
  }
  for (var d = 0u; d < D4; d++) {
    dq_out[q_at + d] = sum[d] * params.scale;
  }
}

// dv = Σ_query p·do   dk = scale·Σ_query ds·q, over the queries that see this key and the heads that share it
@compute @workgroup_size(64)
fn dkv(@builtin(global_invocation_id) id: vec3u) {
  let key = id.x;
  let kv_head = id.y;
  if (key >= params.keys) {
    return;
  }
  let k_at = (key * KV + kv_head) * D4;
  var k_row: array<vec4f, D4>;
  var v_row: array<vec4f, D4>;
  var dk_sum: array<vec4f, D4>;
  var dv_sum: array<vec4f, D4>;
  for (var d = 0u; d < D4; d++) {
    k_row[d] = k[k_at + d] * params.scale;
    v_row[d] = v[k_at + d];
    dk_sum[d] = vec4f();
    dv_sum[d] = vec4f();
  }
  let range = ranges[key];
  for (var head = kv_head * GROUP; head < (kv_head + 1u) * GROUP; head++) {
    for (var query = range.x; query < range.y; query++) {
      let at = (query * H + head) * D4;
      let stat = stats[query * H + head];
      var score = 0.0;
      var dp = 0.0;
      for (var d = 0u; d < D4; d++) {
        score += dot(k_row[d], q[at + d]);
        dp += dot(v_row[d], dout[at + d]);
      }
      let p = exp(score - stat.x);
      let ds = p * (dp - stat.y);
      for (var d = 0u; d < D4; d++) {
        dv_sum[d] += p * dout[at + d];
        dk_sum[d] += ds * q[at + d];
      }
    }
  }
  for (var d = 0u; d < D4; d++) {
    dk_out[k_at + d] = dk_sum[d] * params.scale;
    dv_out[k_at + d] = dv_sum[d];
  }
}
