// A weight stored as bfloat16, two to a u32, low half first. bfloat16 is the upper half of an f32: a shift is exact.
alias WeightWord = vec2u;

fn widen(word: WeightWord) -> vec4f {
  return bitcast<vec4f>(vec4u(word.x << 16u, word.x & 0xffff0000u, word.y << 16u, word.y & 0xffff0000u));
}

// Where rows begin that are `width` vec4 wide.
fn weight_rows(rows: vec4u, width: u32) -> vec4u {
  return rows * width;
}

// Four elements at vec4 column `column` of the row that begins at `row`.
fn weight_at(row: u32, column: u32, width: u32) -> vec4f {
  return widen(weight[row + column]);
}
