// A weight stored as IEEE half, two to a u32, low half first: exact, and needs no shader-f16.
alias WeightWord = vec2u;

fn widen(word: WeightWord) -> vec4f {
  return vec4f(unpack2x16float(word.x), unpack2x16float(word.y));
}
