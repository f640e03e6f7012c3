// swiglu: y = silu(gate) · up, silu(g) = g·σ(g)
// shapes    gate [N,F]  up [N,F]  ->  y [N,F];  dy [N,F]  gate [N,F]  up [N,F] -> dgate, dup in their places
// grid      one invocation per vec4, one-dimensional, spilled into y
// tiling    none: every element is read once and written once
// numerics  σ(g) = 1/(1 + e^−g); e^−g may overflow to infinity, which gives the right 0
// reference test/reference/swiglu.ts

struct Params {
  count: u32,   // N·F/4
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> gate: array<vec4f>;             // [N,F]
@group(0) @binding(1) var<storage, read> up: array<vec4f>;               // [N,F]
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;          // forward [N,F]
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;               // backward [N,F]
@group(0) @binding(1) var<storage, read_write> dgate: array<vec4f>;      // backward [N,F], gate before
@group(0) @binding(2) var<storage, read_write> dup: array<vec4f>;        // backward [N,F], up before

fn sigmoid(g: vec4f) -> vec4f {
  // Beyond ±80 the value is 0 or 1 in f32; the clamp keeps e^−g finite where fast math assumes it.
  return 1.0 / (1.0 + exp(-clamp(g, vec4f(-80.0), vec4f(80.0))));
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.count) {
    return;
  }
  y[i] = gate[i] * sigmoid(gate[i]) * up[i];
}

// y = g·σ(g)·u:  dg = dy·u·σ(g)·(1 + g·(1 − σ(g)))   du = dy·g·σ(g)
@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.count) {
    return;
  }
  let g = dgate[i];
  let u = dup[i];
  let s = sigmoid(g);
  dgate[i] = dy[i] * u * s * (1.0 + g * (1.0 - s));
  dup[i] = dy[i] * g * s;
}
