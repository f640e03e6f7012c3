// Scale and bias of a group as f16, the halves of a word.
const SCALE_WORDS = 1u;

fn scale_and_bias(at: u32) -> vec2f {
  return unpack2x16float(weight[at]);
}
