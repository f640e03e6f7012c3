// rows-direct: an invocation of nt or nn makes ROWS = 4 rows of c and loads those of a itself.

// Where its rows begin: row, row+1, row+2, row+3, none beyond the last.
struct RowPlaces { at: vec4u }

fn place_rows(row: u32, stride: u32, offset: u32) -> RowPlaces {
  return RowPlaces(offset + four_rows(row, params.rows) * stride);
}

struct Rows { first: mat4x4f }

// Four rows at vec4 column k, as the columns of a matrix.
fn rows_of_a(places: RowPlaces, k: u32) -> Rows {
  let at = places.at + k;
  return Rows(mat4x4f(a[at.x], a[at.y], a[at.z], a[at.w]));
}

fn rows_of_h(places: RowPlaces, k: u32) -> Rows {
  let at = places.at + k;
  return Rows(mat4x4f(h[at.x], h[at.y], h[at.z], h[at.w]));
}

// What an invocation sums up: four rows of four columns.
struct Sums { first: mat4x4f }

fn add_products(sums: Sums, w: mat4x4f, rows: Rows) -> Sums {
  return Sums(sums.first + w * rows.first);
}

fn add_scaled(sums: Sums, scale: f32, more: Sums) -> Sums {
  return Sums(sums.first + scale * more.first);
}

fn scale_sums(sums: Sums, scale: f32) -> Sums {
  return Sums(scale * sums.first);
}

fn add_to_rows(sums: Sums, row: vec4f) -> Sums {
  return Sums(sums.first + mat4x4f(row, row, row, row));
}

fn store_sums(sums: Sums, row: u32, stride: u32, first: u32) {
  store(sums.first, row, stride, first);
}
