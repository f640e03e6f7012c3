// rope: rotary position embedding of queries and keys, the two halves of a head's first ROTATED elements against each other
// shapes    q [N,H·D]  k [N,KV·D], turned in place; table [P,ROTATED/2] (cos, sin)  positions [N]
// grid      one invocation per token, head and pair, one-dimensional, spilled into y
// tiling    none: every element is read once and written once, both of a pair by one invocation
// numerics  cos and sin come from a table made in f64; WGSL's own sine is too coarse at large angles
// reference test/reference/rope.ts

struct Params {
  rows: u32,
  direction: f32,   // +1 forward; −1 backward, which turns the gradient back
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> table: array<vec2f>;        // [P,ROTATED/2]
@group(0) @binding(1) var<storage, read> positions: array<u32>;      // [N]
@group(0) @binding(2) var<storage, read_write> q: array<f32>;        // [N,H,D]
@group(0) @binding(3) var<storage, read_write> k: array<f32>;        // [N,KV,D]

const HALF = ROTATED / 2u;

@compute @workgroup_size(64)
fn rotate(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * 64u;
  let pair = index % HALF;
  let head = (index / HALF) % (H + KV);
  let token = index / (HALF * (H + KV));
  if (token >= params.rows) {
    return;
  }
  let turn = table[positions[token] * HALF + pair];
  let cosine = turn.x;
  let sine = turn.y * params.direction;
  // [first', second'] = [first·cos − second·sin, second·cos + first·sin]
  if (head < H) {
    let at = (token * H + head) * D + pair;
    let first = q[at];
    let second = q[at + HALF];
    q[at] = first * cosine - second * sine;
    q[at + HALF] = second * cosine + first * sine;
  } else {
    let at = (token * KV + head - H) * D + pair;
    let first = k[at];
    let second = k[at + HALF];
    k[at] = first * cosine - second * sine;
    k[at + HALF] = second * cosine + first * sine;
  }
}
