// Scale and bias of a group as bf16, the halves of a word.
const SCALE_WORDS = 1u;

fn scale_and_bias(at: u32) -> vec2f {
  return bitcast<vec2f>(vec2u(weight[at] << 16u, weight[at] & 0xffff0000u));
}
