// glu: y = act(gate) · up, act one of silu(g) = g·σ(g) and gelu_tanh(g) = ½g·(1 + tanh(√(2/π)·(g + 0.044715g³)))
// shapes    gate [N,F]  up [N,F]  ->  y [N,F];  dy [N,F]  gate [N,F]  up [N,F] -> dgate, dup in their places
// grid      one invocation per vec4, one-dimensional, spilled into y
// tiling    none: every element is read once and written once
// numerics  both by σ(a) = 1/(1 + e^−a), which neither overflows nor cancels
// reference test/reference/glu.ts

struct Params {
  count: u32,   // N·F/4
  gelu: u32,    // 1: gelu_tanh, 0: silu
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> gate: array<vec4f>;             // [N,F]
@group(0) @binding(1) var<storage, read> up: array<vec4f>;               // [N,F]
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;          // forward [N,F]
@group(0) @binding(0) var<storage, read> dy: array<vec4f>;               // backward [N,F]
@group(0) @binding(1) var<storage, read_write> dgate: array<vec4f>;      // backward [N,F], gate before
@group(0) @binding(2) var<storage, read_write> dup: array<vec4f>;        // backward [N,F], up before

const ROOT = 1.5957691216057308;   // 2√(2/π)
const CUBIC = 0.044715;

// Both activations are g·σ(a): silu with a = g; gelu_tanh with a = 2√(2/π)·(g + 0.044715g³), for ½(1 + tanh(a/2)) is σ(a).
fn argument(g: vec4f) -> vec4f {
  if (params.gelu == 0u) {
    return g;
  }
  let near = within_reach(g);
  return ROOT * (near + CUBIC * near * near * near);
}

// g·da/dg
fn steepness(g: vec4f) -> vec4f {
  if (params.gelu == 0u) {
    return g;
  }
  let near = within_reach(g);
  return ROOT * (near + 3.0 * CUBIC * near * near * near);
}

// Beyond ±20 gelu is g or 0 in f32; the clamp keeps the cube finite.
fn within_reach(g: vec4f) -> vec4f {
  return clamp(g, vec4f(-20.0), vec4f(20.0));
}

fn sigmoid(a: vec4f) -> vec4f {
  // Beyond ±80 the value is 0 or 1 in f32; the clamp keeps e^−a finite where fast math assumes it.
  return 1.0 / (1.0 + exp(-clamp(a, vec4f(-80.0), vec4f(80.0))));
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.count) {
    return;
  }
  y[i] = gate[i] * sigmoid(argument(gate[i])) * up[i];
}

// y = g·σ(a)·u:  dg = dy·u·σ(a)·(1 + g·a′·(1 − σ(a)))   du = dy·g·σ(a)
@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.count) {
    return;
  }
  let g = dgate[i];
  let u = dup[i];
  let s = sigmoid(argument(g));
  dgate[i] = dy[i] * u * s * (1.0 + steepness(g) * (1.0 - s));
  dup[i] = dy[i] * g * s;
}
