// peak: how many fused multiply-adds this adapter does in registers: x = x·a + b, STEPS times, on eight vec4 each
// shapes    seed [1] (a, b)  ->  y [INVOCATIONS]
// grid      one invocation per element of y, 64 per workgroup
// tiling    none: nothing is loaded or stored inside the loop
// numerics  |a| < 1, so that x tends to b/(1 − a) and stays finite
// reference test/reference/peak.ts

struct Params {
  steps: u32,
  groups: u32,   // workgroups, for the count of FLOPs
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> seed: array<vec2f>;          // [1]
@group(0) @binding(1) var<storage, read_write> y: array<f32>;         // [invocations]

@compute @workgroup_size(64)
fn multiply_add(@builtin(global_invocation_id) id: vec3u) {
  let a = vec4f(seed[0].x);
  let b = vec4f(seed[0].y);
  // Eight independent chains hide the latency of one; different starts keep a compiler from merging them.
  var x0 = vec4f(f32(id.x % 64u));
  var x1 = x0 + 1.0;
  var x2 = x0 + 2.0;
  var x3 = x0 + 3.0;
  var x4 = x0 + 4.0;
  var x5 = x0 + 5.0;
  var x6 = x0 + 6.0;
  var x7 = x0 + 7.0;
  for (var step = 0u; step < params.steps; step++) {
    x0 = fma(x0, a, b);
    x1 = fma(x1, a, b);
    x2 = fma(x2, a, b);
    x3 = fma(x3, a, b);
    x4 = fma(x4, a, b);
    x5 = fma(x5, a, b);
    x6 = fma(x6, a, b);
    x7 = fma(x7, a, b);
  }
  y[id.x] = dot(((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7)), vec4f(1.0));
}
