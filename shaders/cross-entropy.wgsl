// cross-entropy: nll = log Σ exp(z) − z[target], z logits soft-capped, over a vocabulary seen one tile at a time
// shapes    logits tile [R,STRIDE], TILE columns used  targets [S]  ->  state [S] (max, sum, target logit)  nll [S]
// grid      one workgroup per row of the tile, spilled into y past 65,535 rows
// tiling    WG invocations stride over the tile's columns; two workgroup reductions
// numerics  running maximum and rescaled sum in f32, so that tiles combine exactly as one pass would
// reference test/reference/cross-entropy.ts
//
// The rows are a chunk [row_begin, row_begin + R) of the S supervised rows; state and nll cover all S. After all tiles
// were reduced, gradient turns a tile of logits into d(scale·Σ nll)/d logits in place.

struct Params {
  rows: u32,         // R
  row_begin: u32,
  tile_begin: u32,   // first vocabulary id of the tile
  first: u32,        // 1 for the first tile, which starts the state
  scale: f32,        // gradient of the loss with respect to one row's nll
  softcap: f32,      // z = softcap·tanh(logit/softcap); 0 = the logit itself
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> logits: array<f32>;               // reduce [R,STRIDE]
@group(0) @binding(1) var<storage, read> targets: array<u32>;              // [S]
@group(0) @binding(2) var<storage, read_write> state: array<vec4f>;        // reduce [S]
@group(0) @binding(3) var<storage, read_write> nll: array<f32>;            // reduce [S]

@group(0) @binding(0) var<storage, read> final_state: array<vec4f>;        // gradient [S]
@group(0) @binding(2) var<storage, read_write> dlogits: array<f32>;        // gradient [R,STRIDE]

fn capped(logit: f32) -> f32 {
  return soft_capped(vec4f(logit), params.softcap).x;
}

@compute @workgroup_size(WG)
fn reduce(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) {
    return;
  }
  let at = row * STRIDE;
  var greatest = -1e30;
  for (var c = lane; c < TILE; c += WG) {
    greatest = max(greatest, logits[at + c]);
  }
  greatest = capped(workgroup_max(greatest, lane));
  var sum = 0.0;
  for (var c = lane; c < TILE; c += WG) {
    sum += exp(capped(logits[at + c]) - greatest);
  }
  sum = workgroup_sum(sum, lane);
  if (lane == 0u) {
    let s = params.row_begin + row;
    var before = vec4f(-1e30, 0.0, 0.0, 0.0);
    if (params.first == 0u) {
      before = state[s];
    }
    let raised = max(before.x, greatest);
    let total = before.y * exp(before.x - raised) + sum * exp(greatest - raised);
    var target_logit = before.z;
    let column = targets[s] - params.tile_begin;   // wraps to a huge number for targets of earlier tiles
    if (column < TILE) {
      target_logit = capped(logits[at + column]);
    }
    state[s] = vec4f(raised, total, target_logit, 0.0);
    nll[s] = raised + log(total) - target_logit;
  }
}

// nll = lse − z[target]:  dlogits = scale·(exp(z − lse) − 1[target])·cap′; columns past the tile become zero
@compute @workgroup_size(WG)
fn gradient(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let row = group.x + group.y * groups.x;
  if (row >= params.rows) {
    return;
  }
  let s = params.row_begin + row;
  let lse = final_state[s].x + log(final_state[s].y);
  let column = targets[s] - params.tile_begin;
  for (var c = lane; c < STRIDE; c += WG) {
    let at = row * STRIDE + c;
    let z = capped(dlogits[at]);
    let p = exp(z - lse) - select(0.0, 1.0, c == column);
    dlogits[at] = select(0.0, params.scale * p * cap_slope(vec4f(z), params.softcap).x, c < TILE);
  }
}
