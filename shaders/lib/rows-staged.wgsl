// rows-staged: sixteen rows of a for each invocation, which the workgroup loads together into its memory, STAGE vec4 of each at
// a time. GROUPS blocks of sixteen rows lie in a workgroup, WX invocations share each.
const GROUPS = 64u / WX;
const STAGE = select(8u, 16u, GROUPS == 1u);
const LOADS = GROUPS * STAGE / 4u;            // of one invocation for a stage
var<workgroup> staged: array<vec4f, 16u * GROUPS * STAGE>;   // [16·GROUPS rows, STAGE]; in tn [4·STAGE rows, 4·GROUPS vec4 columns]

// Where the rows begin of which this invocation loads one vec4 of each stage; its own sixteen begin at `own` in the stage.
struct RowPlaces { at: array<u32, LOADS>, column: u32, lane: u32, own: u32 }

fn place_rows(row: u32, stride: u32, offset: u32, lane: u32) -> RowPlaces {
  let group = lane / WX;
  var places = RowPlaces(array<u32, LOADS>(), lane % STAGE, lane, 16u * group * STAGE);
  for (var i = 0u; i < LOADS; i++) {
    let loaded = row - 16u * group + lane / STAGE + i * (64u / STAGE);
    places.at[i] = offset + min(loaded, params.rows - 1u) * stride;
  }
  return places;
}

fn rows_of_a(places: RowPlaces, k: u32, step: u32, end: u32) -> Rows {
  if (step % STAGE == 0u) {
    workgroupBarrier();
    for (var i = 0u; i < LOADS; i++) {
      staged[places.lane + 64u * i] = a[places.at[i] + min(k + places.column, end - 1u)];
    }
    workgroupBarrier();
  }
  return staged_rows(places.own + step % STAGE);
}

fn rows_of_h(places: RowPlaces, k: u32, step: u32, end: u32) -> Rows {
  if (step % STAGE == 0u) {
    workgroupBarrier();
    for (var i = 0u; i < LOADS; i++) {
      staged[places.lane + 64u * i] = h[places.at[i] + min(k + places.column, end - 1u)];
    }
    workgroupBarrier();
  }
  return staged_rows(places.own + step % STAGE);
}

fn staged_rows(k: u32) -> Rows {
  return Rows(four_staged(k, STAGE), four_staged(k + 4u * STAGE, STAGE), four_staged(k + 8u * STAGE, STAGE),
    four_staged(k + 12u * STAGE, STAGE));
}

fn four_staged(first: u32, stride: u32) -> mat4x4f {
  return mat4x4f(staged[first], staged[first + stride], staged[first + 2u * stride], staged[first + 3u * stride]);
}

const BLOCKS = 4u * GROUPS;                   // vec4 columns in a stage of tn

struct ColumnPlaces { at: u32, row: u32, stride: u32, lane: u32 }

fn place_columns(block: u32, stride: u32, offset: u32, lane: u32) -> ColumnPlaces {
  let loaded = block - 4u * (lane / WX) + lane % BLOCKS;
  return ColumnPlaces(offset + min(loaded, params.k / 4u - 1u), lane / BLOCKS, stride, lane);
}

fn columns_of_a(places: ColumnPlaces, m: u32) -> Rows {
  if (m % (4u * STAGE) == 0u) {
    workgroupBarrier();
    for (var i = 0u; i < LOADS; i++) {
      let row = m + places.row + i * (64u / BLOCKS);
      staged[places.lane + 64u * i] = a[places.at + min(row, params.rows - 1u) * places.stride];
    }
    workgroupBarrier();
  }
  let first = BLOCKS * (m % (4u * STAGE)) + 4u * (places.lane / WX);
  return Rows(
    transpose(four_staged(first, BLOCKS)),
    transpose(four_staged(first + 1u, BLOCKS)),
    transpose(four_staged(first + 2u, BLOCKS)),
    transpose(four_staged(first + 3u, BLOCKS)),
  );
}
