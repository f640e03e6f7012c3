// dora: y = z · m/n + bias + residual, n = ‖W + s·B·A‖ of the row of weights behind each output, a constant in backward
// shapes    norm: W [O,K] A [R,K] B [O,R] -> n [O];  z, y, dy, dz [N,O]  m, bias, dm [O], of which this is a part
// grid      norm: a workgroup per 4 rows of W; forward: an invocation per vec4; backward: WIDE vec4 columns × TILE rows
// tiling    norm: 4 rows share each vec4 of A, which is read O/4 times from cache; dm: sums of TILE rows, then of these
// numerics  sums in f32, in one order; where n is 0 there is no direction: the factor m/n is 0
// reference test/reference/dora.ts
//
// Bytes are those of W once for norm, 2·N·O for forward and 3·N·O for backward, in f32. No W + s·B·A is ever stored.

struct Params {
  rows: u32,       // N; norm: O of this shard
  columns: u32,    // O / 4; norm: K / 4
  begin: u32,      // first output / 4: of z in m, n, bias and dm; norm: of this shard in B and n
  rank: u32,       // R / 4 (norm)
  tiles: u32,      // parts of dm (gather)
  bias: u32,       // 1: add it (forward)
  residual: u32,   // 1: add it (forward)
  scale: f32,      // s (norm)
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> weight: array<WeightWord>;       // norm [O,K]
@group(0) @binding(1) var<storage, read> low_a: array<vec4f>;             // norm [R,K]
@group(0) @binding(2) var<storage, read> low_b: array<vec4f>;             // norm [O,R]
@group(0) @binding(3) var<storage, read_write> row_norms: array<vec4f>;   // norm [O]
@group(0) @binding(0) var<storage, read> magnitude: array<vec4f>;         // forward, backward [O]
@group(0) @binding(1) var<storage, read> norms: array<vec4f>;             // forward, backward, gather [O]
@group(0) @binding(2) var<storage, read> z: array<vec4f>;                 // forward, backward [N,O]
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;              // forward [O]
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;          // forward [N,O]
@group(0) @binding(5) var<storage, read_write> y: array<vec4f>;           // forward [N,O]
@group(0) @binding(3) var<storage, read> dy: array<vec4f>;                // backward [N,O]
@group(0) @binding(4) var<storage, read_write> dz: array<vec4f>;          // backward [N,O]
@group(0) @binding(5) var<storage, read_write> parts: array<vec4f>;       // backward [tiles,O]
@group(0) @binding(0) var<storage, read> all_parts: array<vec4f>;         // gather [tiles,O]
@group(0) @binding(2) var<storage, read_write> dm: array<vec4f>;          // gather [O]

const WG = 128u;
var<workgroup> sums: array<vec4f, WG>;

// The first `count` of sums: those of the values of lanes that are `count` apart. All invocations must call it together.
fn sum_to(count: u32, value: vec4f, lane: u32) {
  sums[lane] = value;
  for (var half = WG / 2u; half >= count; half /= 2u) {
    workgroupBarrier();
    if (lane < half) {
      sums[lane] += sums[lane + half];
    }
  }
}

// n_j = sqrt(Σ_k (W_jk + s·Σ_r B_jr·A_rk)²)
@compute @workgroup_size(WG)
fn norm(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let four = group.x + group.y * groups.x;
  if (four * 4u >= params.rows) {
    return;
  }
  let rows = four * 4u + vec4u(0u, 1u, 2u, 3u);
  let k4 = params.columns;
  let w_at = weight_rows(rows, k4);
  let b_at = (rows + params.begin * 4u) * params.rank;
  var squares = vec4f();
  for (var k = lane; k < k4; k += WG) {
    var delta = mat4x4f();
    for (var r = 0u; r < params.rank; r++) {
      let at = 4u * r * k4 + k;
      let a = mat4x4f(low_a[at], low_a[at + k4], low_a[at + 2u * k4], low_a[at + 3u * k4]);
      delta += a * mat4x4f(low_b[b_at.x + r], low_b[b_at.y + r], low_b[b_at.z + r], low_b[b_at.w + r]);
    }
    let w = params.scale * delta + mat4x4f(
      weight_at(w_at.x, k, k4), weight_at(w_at.y, k, k4), weight_at(w_at.z, k, k4), weight_at(w_at.w, k, k4),
    );
    squares += vec4f(dot(w[0], w[0]), dot(w[1], w[1]), dot(w[2], w[2]), dot(w[3], w[3]));
  }
  sum_to(1u, squares, lane);
  if (lane == 0u) {
    row_norms[params.begin + four] = sqrt(sums[0]);
  }
}

fn over_norm(value: vec4f, column: u32) -> vec4f {
  let n = norms[column];
  return select(value / n, vec4f(), n == vec4f());
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.rows * params.columns) {
    return;
  }
  let column = params.begin + i % params.columns;
  var value = z[i] * over_norm(magnitude[column], column);
  if (params.bias == 1u) {
    value += bias[column];
  }
  if (params.residual == 1u) {
    value += residual[i];
  }
  y[i] = value;
}

const WIDE = 16u;         // vec4 columns of a workgroup
const TALL = WG / WIDE;   // rows that it takes at a time
// dz = dy · m/n;  of dm = Σ_rows dy·z / n the sums over TILE rows
@compute @workgroup_size(WG)
fn backward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let column = group.x * WIDE + lane % WIDE;
  var sum = vec4f();
  if (column < params.columns) {
    let factor = over_norm(magnitude[params.begin + column], params.begin + column);
    let end = min(params.rows, (group.y + 1u) * TILE);
    for (var row = group.y * TILE + lane / WIDE; row < end; row += TALL) {
      let at = row * params.columns + column;
      let d = dy[at];
      sum += d * z[at];
      dz[at] = d * factor;
    }
  }
  sum_to(WIDE, sum, lane);
  if (lane < WIDE && column < params.columns) {
    parts[group.y * params.columns + column] = sums[lane];
  }
}

// dm += Σ_tiles parts / n
@compute @workgroup_size(64)
fn gather(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= params.columns) {
    return;
  }
  var sum = vec4f();
  for (var tile = 0u; tile < params.tiles; tile++) {
    sum += all_parts[tile * params.columns + id.x];
  }
  let column = params.begin + id.x;
  dm[column] += over_norm(sum, column);
}
