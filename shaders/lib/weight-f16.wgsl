// A weight stored as IEEE half, two to a u32, low half first: exact, and needs no shader-f16.
alias WeightWord = vec2u;

fn widen(word: WeightWord) -> vec4f {
  return vec4f(unpack2x16float(word.x), unpack2x16float(word.y));
}

// Where rows begin that are `width` vec4 wide.
fn weight_rows(rows: vec4u, width: u32) -> vec4u {
  return rows * width;
}

// Four elements at vec4 column `column` of the row that begins at `row`.
fn weight_at(row: u32, column: u32, width: u32) -> vec4f {
  return widen(weight[row + column]);
}
