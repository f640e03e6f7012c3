// add: y = a + b, the residual connection and the sum of two gradients
// shapes    a, b, y of equal size, a multiple of 4 elements
// grid      one invocation per vec4, one-dimensional, spilled into y
// tiling    none
// numerics  one f32 addition
// reference test/reference/add.ts

struct Params {
  count: u32,   // elements / 4
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.count) {
    return;
  }
  y[i] = a[i] + b[i];
}
