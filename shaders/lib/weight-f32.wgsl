// A weight stored as f32: four elements are one vec4.
alias WeightWord = vec4f;

fn widen(word: WeightWord) -> vec4f {
  return word;
}

// Where rows begin that are `width` vec4 wide.
fn weight_rows(rows: vec4u, width: u32) -> vec4u {
  return rows * width;
}

// Four elements at vec4 column `column` of the row that begins at `row`.
fn weight_at(row: u32, column: u32, width: u32) -> vec4f {
  return widen(weight[row + column]);
}
