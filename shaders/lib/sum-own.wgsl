// sum-own: an invocation of nt, nn or tn sums up all of its block of c.

fn part_of(x: u32) -> u32 {
  return 0u;
}

fn gather(sums: Sums, part: u32, lane: u32) -> Sums {
  return sums;
}
