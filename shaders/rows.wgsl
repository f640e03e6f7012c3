// rows: gather y[s] = x[index[s]], and its transpose: scatter dx[index[s]] = dy[s]
// shapes    x [N,C]  index [S], no row twice  ->  y [S,C];  dy [S,C] -> dx [N,C], zero before
// grid      one invocation per vec4 of the S rows, one-dimensional, spilled into y
// tiling    none
// numerics  copies bits
// reference test/reference/rows.ts

struct Params {
  rows: u32,   // S
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> source: array<vec4f>;          // gather [N,C]; scatter [S,C]
@group(0) @binding(1) var<storage, read> index: array<u32>;             // [S]
@group(0) @binding(2) var<storage, read_write> target_rows: array<vec4f>;  // gather [S,C]; scatter [N,C]

const C4 = C / 4u;

@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i / C4 >= params.rows) {
    return;
  }
  target_rows[i] = source[index[i / C4] * C4 + i % C4];
}

@compute @workgroup_size(64)
fn scatter(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i / C4 >= params.rows) {
    return;
  }
  target_rows[index[i / C4] * C4 + i % C4] = source[i];
}
