// embedding: x[n] = scale·weight[ids[n]], one shard of the table's rows at a time
// shapes    ids [N]  shard of the table [ROWS,C] as stored  ->  x [N,C]
// grid      one invocation per vec4 of x, one-dimensional, spilled into y
// tiling    none: every element is read once and written once
// numerics  exact widening; ids outside this shard are left to the shard that has them
// reference test/reference/embedding.ts

struct Params {
  rows: u32,     // N
  begin: u32,    // first id of this shard
  count: u32,    // ids in this shard
  scale: f32,
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> ids: array<u32>;             // [N]
@group(0) @binding(1) var<storage, read> weight: array<WeightWord>;   // [count,C]
@group(0) @binding(2) var<storage, read_write> x: array<vec4f>;       // [N,C]

const C4 = C / 4u;

@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  let row = i / C4;
  if (row >= params.rows) {
    return;
  }
  let token = ids[row];
  if (token < params.begin || token - params.begin >= params.count) {
    return;
  }
  x[i] = params.scale * weight_at(weight_rows(vec4u(token - params.begin), C4).x, i % C4, C4);
}
