// rows-direct: an invocation of nt, nn or tn loads the four rows of a that it multiplies.

// Where they begin: row, row+1, row+2, row+3, none beyond the last.
struct RowPlaces { at: vec4u }

fn place_rows(row: u32, stride: u32, offset: u32, lane: u32) -> RowPlaces {
  return RowPlaces(offset + four_rows(row, params.rows) * stride);
}

// Four rows at vec4 column k, as the columns of a matrix; `step` counts from the loop's first k, which ends at `end`.
fn rows_of_a(places: RowPlaces, k: u32, step: u32, end: u32) -> Rows {
  let at = places.at + k;
  return Rows(mat4x4f(a[at.x], a[at.y], a[at.z], a[at.w]));
}

fn rows_of_h(places: RowPlaces, k: u32, step: u32, end: u32) -> Rows {
  let at = places.at + k;
  return Rows(mat4x4f(h[at.x], h[at.y], h[at.z], h[at.w]));
}

// tn multiplies columns of a: vec4 column `block`.
struct ColumnPlaces { at: u32, stride: u32 }

fn place_columns(block: u32, stride: u32, offset: u32, lane: u32) -> ColumnPlaces {
  return ColumnPlaces(offset + min(block, params.k / 4u - 1u), stride);
}

// Rows m to m+3 of them.
fn columns_of_a(places: ColumnPlaces, m: u32) -> Rows {
  let at = places.at + four_rows(m, params.rows) * places.stride;
  return Rows(transpose(mat4x4f(a[at.x], a[at.y], a[at.z], a[at.w])));
}
