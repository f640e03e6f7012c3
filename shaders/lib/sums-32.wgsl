// sums-32: what an invocation of nt, nn or tn sums up: thirty-two rows of four columns of c, four rows to a matrix.
struct Sums {
  first: mat4x4f, second: mat4x4f, third: mat4x4f, fourth: mat4x4f,
  fifth: mat4x4f, sixth: mat4x4f, seventh: mat4x4f, eighth: mat4x4f,
}

// Thirty-two rows of a, or in tn columns, with four elements each.
struct Rows {
  first: mat4x4f, second: mat4x4f, third: mat4x4f, fourth: mat4x4f,
  fifth: mat4x4f, sixth: mat4x4f, seventh: mat4x4f, eighth: mat4x4f,
}

fn add_products(sums: Sums, w: mat4x4f, rows: Rows) -> Sums {
  return Sums(
    sums.first + w * rows.first,
    sums.second + w * rows.second,
    sums.third + w * rows.third,
    sums.fourth + w * rows.fourth,
    sums.fifth + w * rows.fifth,
    sums.sixth + w * rows.sixth,
    sums.seventh + w * rows.seventh,
    sums.eighth + w * rows.eighth,
  );
}

fn add_scaled(sums: Sums, scale: f32, more: Sums) -> Sums {
  return Sums(
    sums.first + scale * more.first,
    sums.second + scale * more.second,
    sums.third + scale * more.third,
    sums.fourth + scale * more.fourth,
    sums.fifth + scale * more.fifth,
    sums.sixth + scale * more.sixth,
    sums.seventh + scale * more.seventh,
    sums.eighth + scale * more.eighth,
  );
}

fn add_to_rows(sums: Sums, row: vec4f) -> Sums {
  let all = mat4x4f(row, row, row, row);
  return Sums(
    sums.first + all, sums.second + all, sums.third + all, sums.fourth + all,
    sums.fifth + all, sums.sixth + all, sums.seventh + all, sums.eighth + all,
  );
}

fn store_sums(sums: Sums, row: u32, rows: u32, stride: u32, first: u32) {
  store(sums.first, row, rows, stride, first);
  store(sums.second, row + 4u, rows, stride, first);
  store(sums.third, row + 8u, rows, stride, first);
  store(sums.fourth, row + 12u, rows, stride, first);
  store(sums.fifth, row + 16u, rows, stride, first);
  store(sums.sixth, row + 20u, rows, stride, first);
  store(sums.seventh, row + 24u, rows, stride, first);
  store(sums.eighth, row + 28u, rows, stride, first);
}
