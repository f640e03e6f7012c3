// rmsnorm: y = w · x · rstd, rstd = 1/sqrt(mean(x²) + eps), row by row
// shapes    x [N,C]  w [C]  ->  y [N,C]  rstd [N];  dy [N,C] -> dx [N,C]
// grid      one workgroup per ROWS rows, spilled into y past 65,535 workgroups
// tiling    the WG/ROWS invocations of a row stride over C in vec4; one sum over them
// numerics  sums in f32; rstd is saved for backward
// reference test/reference/rmsnorm.ts

struct Params {
  rows: u32,
  eps: f32,
  add: u32,   // backward, 1: before is added to dx
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;               // [N,C]
@group(0) @binding(1) var<storage, read> weight: array<vec4f>;          // [C]
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;         // forward [N,C]
@group(0) @binding(3) var<storage, read_write> rstd: array<f32>;        // forward [N]
@group(0) @binding(2) var<storage, read> saved_rstd: array<f32>;        // backward [N]
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;              // backward [N,C]
@group(0) @binding(4) var<storage, read> before: array<vec4f>;          // backward [N,C]
@group(0) @binding(5) var<storage, read_write> dx: array<vec4f>;        // backward [N,C]

const C4 = C / 4u;
const SHARE = WG / ROWS;   // invocations of a row

@compute @workgroup_size(WG)
fn forward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = ROWS * (group.x + group.y * groups.x);
  if (first >= params.rows) {
    return;
  }
  let row = min(first + lane / SHARE, params.rows - 1u);
  var squares = 0.0;
  for (var i = lane % SHARE; i < C4; i += SHARE) {
    let value = x[row * C4 + i];
    squares += dot(value, value);
  }
  let scale = inverseSqrt(sum_of_each(SHARE, squares, lane) / f32(C) + params.eps);
  if (first + lane / SHARE > row) {
    return;
  }
  for (var i = lane % SHARE; i < C4; i += SHARE) {
    y[row * C4 + i] = weight[i] * (x[row * C4 + i] * scale);
  }
  if (lane % SHARE == 0u) {
    rstd[row] = scale;
  }
}

// y = w·x·rstd  and  d rstd/dx = −x·rstd³/C  give  dx = rstd·(w·dy) − x·rstd³·mean(w·dy·x)
@compute @workgroup_size(WG)
fn backward(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let first = ROWS * (group.x + group.y * groups.x);
  if (first >= params.rows) {
    return;
  }
  let row = min(first + lane / SHARE, params.rows - 1u);
  var products = 0.0;
  for (var i = lane % SHARE; i < C4; i += SHARE) {
    let at = row * C4 + i;
    products += dot(weight[i] * dy[at], x[at]);
  }
  let scale = saved_rstd[row];
  let pull = sum_of_each(SHARE, products, lane) * scale * scale * scale / f32(C);
  if (first + lane / SHARE > row) {
    return;
  }
  for (var i = lane % SHARE; i < C4; i += SHARE) {
    let at = row * C4 + i;
    var value = scale * weight[i] * dy[at] - x[at] * pull;
    if (params.add == 1u) {
      value += before[at];
    }
    dx[at] = value;
  }
}
