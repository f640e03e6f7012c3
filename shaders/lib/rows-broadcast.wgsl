// rows-broadcast: sixteen rows of a, of which an invocation loads two, and its subgroup hands them round: all invocations of a
// subgroup must make the same rows, and there must be eight at least.

// Where the two rows begin that this invocation loads.
struct RowPlaces { at: vec2u }

fn place_rows(row: u32, stride: u32, offset: u32, lane: u32) -> RowPlaces {
  let own = row + one_of_eight();
  return RowPlaces(offset + min(vec2u(own, own + 8u), vec2u(params.rows - 1u)) * stride);
}

fn rows_of_a(places: RowPlaces, k: u32, step: u32, end: u32) -> Rows {
  return handed_round(a[places.at.x + k], a[places.at.y + k]);
}

fn rows_of_h(places: RowPlaces, k: u32, step: u32, end: u32) -> Rows {
  return handed_round(h[places.at.x + k], h[places.at.y + k]);
}

fn handed_round(low: vec4f, high: vec4f) -> Rows {
  return Rows(front(low), back(low), front(high), back(high));
}

// Of four vec4 columns, an invocation loads row `row` of two; the second, third and fourth need not exist.
struct ColumnPlaces { at: vec2u, row: u32, stride: u32 }

fn place_columns(block: u32, stride: u32, offset: u32, lane: u32) -> ColumnPlaces {
  let own = one_of_eight();
  let blocks = block + own / 4u + vec2u(0u, 2u);
  return ColumnPlaces(offset + min(blocks, vec2u(params.k / 4u - 1u)), own % 4u, stride);
}

fn columns_of_a(places: ColumnPlaces, m: u32) -> Rows {
  let row = min(m + places.row, params.rows - 1u) * places.stride;
  let low = a[places.at.x + row];
  let high = a[places.at.y + row];
  return Rows(transpose(front(low)), transpose(back(low)), transpose(front(high)), transpose(back(high)));
}
