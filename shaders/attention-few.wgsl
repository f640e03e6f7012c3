// attention-few: attention's forward for the few queries of a decoding step: o = softmax(s)·v, s = scale·q·kᵀ soft-capped
// shapes    q [N,H,D]  k, v [T,KV,D]  ->  o [N,H,D]  stats [N,H,2]; D at most 256
// grid      one workgroup per query and head
// tiling    of 64 keys each invocation makes one score, then owns one vec4 of the output for every SHARES-th key
// numerics  online softmax in f32, as in attention.wgsl; stats hold log-sum-exp for its backward
// reference test/reference/attention-few.ts

struct Params {
  queries: u32,   // N
  keys: u32,      // T
  width: u32,     // D/4
  scale: f32,
  softcap: f32,   // 0 = none
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;                // [N,H,D]
@group(0) @binding(1) var<storage, read> k: array<vec4f>;                // [T,KV,D]
@group(0) @binding(2) var<storage, read> v: array<vec4f>;                // [T,KV,D]
@group(0) @binding(3) var<storage, read> ranges: array<vec2u>;           // [N]: the keys [first, end) that a query sees
@group(0) @binding(4) var<storage, read_write> o: array<vec4f>;          // [N,H,D]
@group(0) @binding(5) var<storage, read_write> stats_out: array<vec2f>;  // [N,H] (lse, 0)

const D4 = D / 4u;
const GROUP = H / KV;
const SHARES = max(64u / D4, 1u);   // groups of D4 invocations, each of which sums its share of the keys

var<workgroup> weights: array<f32, 64>;   // scores, then what they weigh
var<workgroup> parts: array<vec4f, 64>;

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
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
    let s = soft_capped(vec4f(dot(products, vec4f(params.scale))), params.softcap).x;
    let score = select(-1e30, s, lane < count);
    weights[lane] = score;
    workgroupBarrier();
    var raised = greatest;
    for (var i = 0u; i < count; i++) {
      raised = max(raised, weights[i]);
    }
    workgroupBarrier();
    weights[lane] = exp(score - raised);
    let shrink = exp(greatest - raised);
    greatest = raised;
    weight *= shrink;
    sum *= shrink;
    workgroupBarrier();
    for (var i = share; i < count; i += SHARES) {
      weight += weights[i];
      sum += weights[i] * v[((block + i) * KV + head / GROUP) * D4 + column];
    }
    workgroupBarrier();
  }
  parts[lane] = sum;
  weights[lane] = weight;
  workgroupBarrier();
  if (share > 0u) {
    return;
  }
  for (var i = 1u; i < SHARES; i++) {
    sum += parts[lane + i * D4];
    weight += weights[lane + i * D4];
  }
  o[q_at + column] = sum * select(0.0, 1.0 / weight, weight > 0.0);
  if (lane == 0u) {
    stats_out[query * H + head] = vec2f(greatest + log(max(weight, 1e-30)), 0.0);
  }
}
