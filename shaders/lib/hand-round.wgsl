// hand-round: invocations of a subgroup give one another what each has loaded; there must be eight at least.
enable subgroups;

// Which of eight that load different rows, as many times as the subgroup has eight.
fn one_of_eight() -> u32 {
  return subgroupExclusiveAdd(1u) % 8u;
}

// What the first four of them have, and the next four.
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
