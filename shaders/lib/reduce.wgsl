// Workgroup-wide reductions over WG invocations, WG a power of two. All invocations must call them together.
const WG = 128u;
var<workgroup> lanes: array<f32, WG>;

fn workgroup_sum(value: f32, lane: u32) -> f32 {
  return sum_of_each(WG, value, lane);
}

// The sum over the `count` invocations side by side to which this one belongs; a power of two, at most WG.
fn sum_of_each(count: u32, value: f32, lane: u32) -> f32 {
  let place = lane % count;
  lanes[lane] = value;
  workgroupBarrier();
  for (var stride = count / 2u; stride > 0u; stride /= 2u) {
    if (place < stride) {
      lanes[lane] += lanes[lane + stride];
    }
    workgroupBarrier();
  }
  let total = lanes[lane - place];
  workgroupBarrier();
  return total;
}

fn workgroup_max(value: f32, lane: u32) -> f32 {
  lanes[lane] = value;
  workgroupBarrier();
  for (var stride = WG / 2u; stride > 0u; stride /= 2u) {
    if (lane < stride) {
      lanes[lane] = max(lanes[lane], lanes[lane + stride]);
    }
    workgroupBarrier();
  }
  let greatest = lanes[0];
  workgroupBarrier();
  return greatest;
}
