// rows-broadcast: an invocation of nt or nn makes ROWS = 16 rows of c. Of a, each loads one row in eight, and its subgroup hands
// them round: all invocations of a workgroup must make the same rows, and a subgroup must have eight at least.
enable subgroups;

// Where the two rows begin that this invocation loads.
struct RowPlaces { at: vec2u }

fn place_rows(row: u32, stride: u32, offset: u32) -> RowPlaces {
  let own = row + subgroupExclusiveAdd(1u) % 8u;
  return RowPlaces(offset + min(vec2u(own, own + 8u), vec2u(params.rows - 1u)) * stride);
}

struct Rows { low: vec4f, high: vec4f }

fn rows_of_a(places: RowPlaces, k: u32) -> Rows {
  return Rows(a[places.at.x + k], a[places.at.y + k]);
}

fn rows_of_h(places: RowPlaces, k: u32) -> Rows {
  return Rows(h[places.at.x + k], h[places.at.y + k]);
}

struct Sums { first: mat4x4f, second: mat4x4f, third: mat4x4f, fourth: mat4x4f }

fn front(value: vec4f) -> mat4x4f {
  return mat4x4f(
    subgroupBroadcast(value, 0u), subgroupBroadcast(value, 1u), subgroupBroadcast(value, 2u), subgroupBroadcast(value, 3u),
  );
}

fn back(value: vec4f) -> mat4x4f {
  return mat4x4f(
    subgroupBroadcast(value, 4u), subgroupBroadcast(value, 5u), subgroupBroadcast(value, 6u), subgroupBroadcast(value, 7u),
  );
}

fn add_products(sums: Sums, w: mat4x4f, rows: Rows) -> Sums {
  return Sums(
    sums.first + w * front(rows.low),
    sums.second + w * back(rows.low),
    sums.third + w * front(rows.high),
    sums.fourth + w * back(rows.high),
  );
}

fn add_scaled(sums: Sums, scale: f32, more: Sums) -> Sums {
  return Sums(
    sums.first + scale * more.first,
    sums.second + scale * more.second,
    sums.third + scale * more.third,
    sums.fourth + scale * more.fourth,
  );
}

fn scale_sums(sums: Sums, scale: f32) -> Sums {
  return Sums(scale * sums.first, scale * sums.second, scale * sums.third, scale * sums.fourth);
}

fn add_to_rows(sums: Sums, row: vec4f) -> Sums {
  let all = mat4x4f(row, row, row, row);
  return Sums(sums.first + all, sums.second + all, sums.third + all, sums.fourth + all);
}

fn store_sums(sums: Sums, row: u32, stride: u32, first: u32) {
  store(sums.first, row, stride, first);
  store(sums.second, row + 4u, stride, first);
  store(sums.third, row + 8u, stride, first);
  store(sums.fourth, row + 12u, stride, first);
}
