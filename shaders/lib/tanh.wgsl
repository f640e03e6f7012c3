// tanh to f32's precision, and the soft cap made of it. WGSL's own may cancel near zero, and on some GPUs it overflows to
// NaN where e^x does.
fn steady_tanh(x: vec4f) -> vec4f {
  // Beyond ±15 the value is ±1 in f32; the clamp keeps fast math from ever seeing an infinity.
  let e = exp(-2.0 * min(abs(x), vec4f(15.0)));
  let square = x * x;
  // Near zero the quotient cancels: there its series is exact.
  let series = 1.0 + square * (-1.0 / 3.0 + square * (2.0 / 15.0 + square * (-17.0 / 315.0 + square * 62.0 / 2835.0)));
  return select(sign(x) * (1.0 - e) / (1.0 + e), x * series, abs(x) < vec4f(0.3));
}

// cap·tanh(x/cap); 0 = no cap.
fn soft_capped(x: vec4f, cap: f32) -> vec4f {
  if (cap == 0.0) {
    return x;
  }
  return cap * steady_tanh(x / cap);
}

// Its derivative, 1 − tanh², from the capped value.
fn cap_slope(capped: vec4f, cap: f32) -> vec4f {
  if (cap == 0.0) {
    return vec4f(1.0);
  }
  return 1.0 - (capped / cap) * (capped / cap);
}
