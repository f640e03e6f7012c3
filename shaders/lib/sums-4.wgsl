// sums-4: what an invocation of nt, nn or tn sums up: four rows of four columns of c, four rows to a matrix.
struct Sums { first: mat4x4f }

// Four rows of a, or in tn columns, with four elements each.
struct Rows { first: mat4x4f }

fn add_products(sums: Sums, w: mat4x4f, rows: Rows) -> Sums {
  return Sums(sums.first + w * rows.first);
}

fn add_scaled(sums: Sums, scale: f32, more: Sums) -> Sums {
  return Sums(sums.first + scale * more.first);
}

fn add_to_rows(sums: Sums, row: vec4f) -> Sums {
  return Sums(sums.first + mat4x4f(row, row, row, row));
}

fn store_sums(sums: Sums, row: u32, rows: u32, stride: u32, first: u32) {
  store(sums.first, row, rows, stride, first);
}
