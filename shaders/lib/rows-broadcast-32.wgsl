// rows-broadcast-32: as rows-broadcast, thirty-two rows of a, of which an invocation loads four.

// Where the four rows begin that this invocation loads.
struct RowPlaces { at: vec4u }

fn place_rows(row: u32, stride: u32, offset: u32, lane: u32) -> RowPlaces {
  let own = row + one_of_eight() + vec4u(0u, 8u, 16u, 24u);
  return RowPlaces(offset + min(own, vec4u(params.rows - 1u)) * stride);
}

fn rows_of_a(places: RowPlaces, k: u32, step: u32, end: u32) -> Rows {
  let at = places.at + k;
  return handed_round(a[at.x], a[at.y], a[at.z], a[at.w]);
}

fn rows_of_h(places: RowPlaces, k: u32, step: u32, end: u32) -> Rows {
  let at = places.at + k;
  return handed_round(h[at.x], h[at.y], h[at.z], h[at.w]);
}

fn handed_round(x: vec4f, y: vec4f, z: vec4f, w: vec4f) -> Rows {
  return Rows(front(x), back(x), front(y), back(y), front(z), back(z), front(w), back(w));
}

// Of eight vec4 columns, an invocation loads row `row` of four; all but the first need not exist.
struct ColumnPlaces { at: vec4u, row: u32, stride: u32 }

fn place_columns(block: u32, stride: u32, offset: u32, lane: u32) -> ColumnPlaces {
  let own = one_of_eight();
  let blocks = block + own / 4u + vec4u(0u, 2u, 4u, 6u);
  return ColumnPlaces(offset + min(blocks, vec4u(params.k / 4u - 1u)), own % 4u, stride);
}

fn columns_of_a(places: ColumnPlaces, m: u32) -> Rows {
  let at = places.at + min(m + places.row, params.rows - 1u) * places.stride;
  let rows = handed_round(a[at.x], a[at.y], a[at.z], a[at.w]);
  return Rows(
    transpose(rows.first), transpose(rows.second), transpose(rows.third), transpose(rows.fourth),
    transpose(rows.fifth), transpose(rows.sixth), transpose(rows.seventh), transpose(rows.eighth),
  );
}
