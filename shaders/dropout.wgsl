// dropout: y = x·mask/(1 − p); the mask is a hash of (seed, element), so backward makes the same one again
// shapes    x [N,C]  ->  y [N,C]
// grid      one invocation per vec4, one-dimensional, spilled into y
// tiling    none
// numerics  an element stays when its 32-bit hash is at least p·2³²; hash: PCG output function (Jarzynski, Olano 2020)
// reference test/reference/dropout.ts

struct Params {
  count: u32,       // elements / 4
  seed: u32,
  threshold: u32,   // p·2³²
  scale: f32,       // 1/(1 − p)
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

fn hash(value: u32) -> u32 {
  let state = value * 747796405u + 2891336453u;
  let word = ((state >> ((state >> 28u) + 4u)) ^ state) * 277803737u;
  return (word >> 22u) ^ word;
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.count) {
    return;
  }
  let stream = hash(params.seed);
  let draw = vec4u(
    hash(stream ^ hash(4u * i)), hash(stream ^ hash(4u * i + 1u)),
    hash(stream ^ hash(4u * i + 2u)), hash(stream ^ hash(4u * i + 3u)),
  );
  y[i] = select(vec4f(), x[i] * params.scale, draw >= vec4u(params.threshold));
}
