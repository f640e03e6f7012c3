// A weight stored as affine codes of BITS bits, one little-endian stream for each row, and behind them scale and bias of each
// GROUP elements (lib/scales-…): w = scale·q + bias.
alias WeightWord = u32;

const MASK = (1u << BITS) - 1u;

fn code_words(width: u32) -> u32 {
  return width * BITS / 8u;
}

fn weight_rows(rows: vec4u, width: u32) -> vec4u {
  return rows * (code_words(width) + width * 4u / GROUP * SCALE_WORDS);
}

fn weight_at(row: u32, column: u32, width: u32) -> vec4f {
  let bit = column * 4u * BITS;
  let word = row + bit / 32u;
  let shift = bit % 32u;
  var codes = weight[word] >> shift;
  // Four codes of 3, 5 or 6 bits may begin in one word and end in the next.
  if (shift + 4u * BITS > 32u) {
    codes |= weight[word + 1u] << (32u - shift);
  }
  let four = vec4f((vec4u(codes) >> (BITS * vec4u(0u, 1u, 2u, 3u))) & vec4u(MASK));
  let scale = scale_and_bias(row + code_words(width) + column * 4u / GROUP * SCALE_WORDS);
  return scale.x * four + scale.y;
}
