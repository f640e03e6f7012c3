// rows-eight: as rows-direct, but eight rows: three loads for two products of matrices.
struct RowPlaces { low: vec4u, high: vec4u }

fn place_rows(row: u32, stride: u32, offset: u32, lane: u32) -> RowPlaces {
  return RowPlaces(offset + four_rows(row, params.rows) * stride, offset + four_rows(row + 4u, params.rows) * stride);
}

fn rows_of_a(places: RowPlaces, k: u32, step: u32, end: u32) -> Rows {
  let low = places.low + k;
  let high = places.high + k;
  return Rows(mat4x4f(a[low.x], a[low.y], a[low.z], a[low.w]), mat4x4f(a[high.x], a[high.y], a[high.z], a[high.w]));
}

fn rows_of_h(places: RowPlaces, k: u32, step: u32, end: u32) -> Rows {
  let low = places.low + k;
  let high = places.high + k;
  return Rows(mat4x4f(h[low.x], h[low.y], h[low.z], h[low.w]), mat4x4f(h[high.x], h[high.y], h[high.z], h[high.w]));
}

// The second block need not exist.
struct ColumnPlaces { at: vec2u, stride: u32 }

fn place_columns(block: u32, stride: u32, offset: u32, lane: u32) -> ColumnPlaces {
  return ColumnPlaces(offset + min(block + vec2u(0u, 1u), vec2u(params.k / 4u - 1u)), stride);
}

fn columns_of_a(places: ColumnPlaces, m: u32) -> Rows {
  let rows = four_rows(m, params.rows) * places.stride;
  let low = places.at.x + rows;
  let high = places.at.y + rows;
  return Rows(
    transpose(mat4x4f(a[low.x], a[low.y], a[low.z], a[low.w])),
    transpose(mat4x4f(a[high.x], a[high.y], a[high.z], a[high.w])),
  );
}
