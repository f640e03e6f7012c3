// A weight stored as f32: four elements are one vec4.
alias WeightWord = vec4f;

fn widen(word: WeightWord) -> vec4f {
  return word;
}
