// Scale and bias of a group as f32, two words.
const SCALE_WORDS = 2u;

fn scale_and_bias(at: u32) -> vec2f {
  return vec2f(bitcast<f32>(weight[at]), bitcast<f32>(weight[at + 1u]));
}
