// rows-staged: sixteen rows of a, which the workgroup loads together into its memory, 16 vec4 of each at a time. All its
// invocations must make the same rows.
const STAGE = 16u;
var<workgroup> staged: array<vec4f, 256>;   // [16 rows, STAGE]; in tn [4·STAGE rows, 4 vec4 columns]

struct RowPlaces { at: vec4u, column: u32, lane: u32 }

// Where the four rows begin of which this invocation loads one vec4 of each stage.
fn place_rows(row: u32, stride: u32, offset: u32, lane: u32) -> RowPlaces {
  let own = row + lane / STAGE + vec4u(0u, 4u, 8u, 12u);
  return RowPlaces(offset + min(own, vec4u(params.rows - 1u)) * stride, lane % STAGE, lane);
}

fn rows_of_a(places: RowPlaces, k: u32, step: u32, end: u32) -> Rows {
  if (step % STAGE == 0u) {
    let at = places.at + min(k + places.column, end - 1u);
    stage(places.lane, mat4x4f(a[at.x], a[at.y], a[at.z], a[at.w]));
  }
  return staged_rows(step % STAGE);
}

fn rows_of_h(places: RowPlaces, k: u32, step: u32, end: u32) -> Rows {
  if (step % STAGE == 0u) {
    let at = places.at + min(k + places.column, end - 1u);
    stage(places.lane, mat4x4f(h[at.x], h[at.y], h[at.z], h[at.w]));
  }
  return staged_rows(step % STAGE);
}

fn stage(lane: u32, own: mat4x4f) {
  workgroupBarrier();
  for (var i = 0u; i < 4u; i++) {
    staged[lane + 64u * i] = own[i];
  }
  workgroupBarrier();
}

fn staged_rows(k: u32) -> Rows {
  return Rows(four_staged(k, STAGE), four_staged(k + 4u * STAGE, STAGE), four_staged(k + 8u * STAGE, STAGE),
    four_staged(k + 12u * STAGE, STAGE));
}

fn four_staged(first: u32, stride: u32) -> mat4x4f {
  return mat4x4f(staged[first], staged[first + stride], staged[first + 2u * stride], staged[first + 3u * stride]);
}

struct ColumnPlaces { at: u32, row: u32, stride: u32, lane: u32 }

fn place_columns(block: u32, stride: u32, offset: u32, lane: u32) -> ColumnPlaces {
  return ColumnPlaces(offset + min(block + lane % 4u, params.k / 4u - 1u), lane / 4u, stride, lane);
}

fn columns_of_a(places: ColumnPlaces, m: u32) -> Rows {
  if (m % (4u * STAGE) == 0u) {
    let rows = m + places.row + STAGE * vec4u(0u, 1u, 2u, 3u);
    let at = places.at + min(rows, vec4u(params.rows - 1u)) * places.stride;
    stage(places.lane, mat4x4f(a[at.x], a[at.y], a[at.z], a[at.w]));
  }
  let first = 4u * (m % (4u * STAGE));
  return Rows(
    transpose(four_staged(first, 4u)),
    transpose(four_staged(first + 1u, 4u)),
    transpose(four_staged(first + 2u, 4u)),
    transpose(four_staged(first + 3u, 4u)),
  );
}
