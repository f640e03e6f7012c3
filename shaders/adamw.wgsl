// adamw: p −= lr·(wd·p + m̂/(√v̂ + eps)) on all parameters in one flat buffer, after norm, clipping and a finite check
// shapes    parameters, gradients, m, v [P]  losses [S]  partials [G] (sum of squares, non-finite count)  state [8]
// grid      partial: G workgroups; total: one workgroup; update: one invocation per vec4, spilled into y
// tiling    partial and total: WG invocations stride, then one workgroup sum, always in the same order
// numerics  f32 moments; 1 − βᵗ by series where βᵗ is near 1; non-finite found by exponent bits, not by comparison
// reference test/reference/adamw.ts
//
// state: 0 gradient norm before clipping, 1 clip factor, 2 finite (1 or 0), 3 updates applied (t), 4 updates skipped.
// The step counter lives here so that an update skipped for a non-finite gradient or loss does not advance it.

struct Params {
  count: u32,          // P / 4
  groups: u32,         // G
  learning_rate: f32,
  weight_decay: f32,
  beta1: f32,
  beta2: f32,
  log_beta1: f32,      // ln β, rounded once from f64
  log_beta2: f32,
  eps: f32,
  max_norm: f32,       // 0 = no clipping
  losses: u32,         // S; 0 = the losses are not looked at
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> gradients: array<vec4f>;              // partial, update [P]
@group(0) @binding(1) var<storage, read> losses: array<f32>;                   // partial [S]
@group(0) @binding(2) var<storage, read_write> partials_out: array<vec2f>;     // partial [G]
@group(0) @binding(0) var<storage, read> partials: array<vec2f>;               // total [G]
@group(0) @binding(1) var<storage, read_write> state_out: array<f32>;          // total [8]
@group(0) @binding(1) var<storage, read> state: array<f32>;                    // update [8]
@group(0) @binding(2) var<storage, read_write> parameters: array<vec4f>;       // update [P]
@group(0) @binding(3) var<storage, read_write> m: array<vec4f>;                // update [P]
@group(0) @binding(4) var<storage, read_write> v: array<vec4f>;                // update [P]

// Infinity and NaN have all exponent bits set. Fast math may assume they do not exist, integers may not.
fn non_finite(x: f32) -> bool {
  return (bitcast<u32>(x) & 0x7f800000u) == 0x7f800000u;
}

fn count_non_finite(x: vec4f) -> f32 {
  let bits = bitcast<vec4u>(x) & vec4u(0x7f800000u);
  return dot(vec4f(1.0), select(vec4f(), vec4f(1.0), bits == vec4u(0x7f800000u)));
}

@compute @workgroup_size(WG)
fn partial_norm(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var squares = 0.0;
  var broken = 0.0;
  for (var i = group.x * WG + lane; i < params.count; i += params.groups * WG) {
    let g = gradients[i];
    squares += dot(g, g);
    broken += count_non_finite(g);
  }
  for (var i = group.x * WG + lane; i < params.losses; i += params.groups * WG) {
    broken += select(0.0, 1.0, non_finite(losses[i]));
  }
  let sum = workgroup_sum(squares, lane);
  let bad = workgroup_sum(broken, lane);
  if (lane == 0u) {
    partials_out[group.x] = vec2f(sum, bad);
  }
}

@compute @workgroup_size(WG)
fn total_norm(@builtin(local_invocation_index) lane: u32) {
  var squares = 0.0;
  var broken = 0.0;
  for (var i = lane; i < params.groups; i += WG) {
    squares += partials[i].x;
    broken += partials[i].y;
  }
  let norm = sqrt(workgroup_sum(squares, lane));
  let bad = workgroup_sum(broken, lane);
  if (lane == 0u) {
    let finite = bad == 0.0 && !non_finite(norm);
    state_out[0] = norm;
    // torch.nn.utils.clip_grad_norm_: factor = min(1, max_norm / (norm + 1e-6))
    state_out[1] = select(1.0, min(1.0, params.max_norm / (norm + 1e-6)), params.max_norm > 0.0);
    state_out[2] = select(0.0, 1.0, finite);
    if (finite) {
      state_out[3] += 1.0;
    } else {
      state_out[4] += 1.0;
    }
  }
}

// 1 − e^x for x ≤ 0 without cancellation: −x·(1 + x/2·(1 + x/3·(…))) near zero
fn one_minus_exp(x: f32) -> f32 {
  let series = 1.0 + x / 2.0 * (1.0 + x / 3.0 * (1.0 + x / 4.0 * (1.0 + x / 5.0 * (1.0 + x / 6.0 * (1.0 + x / 7.0)))));
  return select(1.0 - exp(x), -x * series, x > -0.5);
}

// torch.optim.AdamW: decay first (p *= 1 − lr·wd), then p −= lr/(1 − β1ᵗ) · m / (√v/√(1 − β2ᵗ) + eps)
@compute @workgroup_size(64)
fn update(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * 64u;
  if (i >= params.count || state[2] == 0.0) {
    return;
  }
  let t = state[3];
  let g = gradients[i] * state[1];
  // 1 − β from ln β: f32(0.999) is off by 1e-8, which would be 1e-5 of 1 − β.
  let m_new = params.beta1 * m[i] + one_minus_exp(params.log_beta1) * g;
  let v_new = params.beta2 * v[i] + one_minus_exp(params.log_beta2) * g * g;
  m[i] = m_new;
  v[i] = v_new;
  let step_size = params.learning_rate / one_minus_exp(t * params.log_beta1);
  let denominator = sqrt(v_new) * inverseSqrt(one_minus_exp(t * params.log_beta2)) + params.eps;
  parameters[i] = parameters[i] * (1.0 - params.learning_rate * params.weight_decay) - step_size * m_new / denominator;
}
