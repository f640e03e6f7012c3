// sum-shared: SHARE invocations of nt, nn or tn sum up a part each of one block of c, for a c that is too small to occupy a GPU.
// They lie side by side and read side by side.

fn part_of(x: u32) -> u32 {
  return x;
}

var<workgroup> parts: array<Sums, 64>;

// The whole sum, for part 0 alone.
fn gather(sums: Sums, part: u32, lane: u32) -> Sums {
  parts[lane] = sums;
  for (var half = SHARE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (part < half) {
      parts[lane] = add_scaled(parts[lane], 1.0, parts[lane + half]);
    }
  }
  return parts[lane];
}
