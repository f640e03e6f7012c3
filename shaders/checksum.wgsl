// checksum: two sums over all words, Σ mix(word ^ key1(place)) and Σ mix(word + key2(place)), mod 2³² each: 64 bits
// shapes    words [W]  ->  partials [G,2]; partials [S,1024,2]  ->  sums [S,2], S pieces of tensors
// grid      partial: G ≤ 1024 workgroups a piece, whatever its size; total: one workgroup a piece, spilled into y
// tiling    WG invocations stride over vec4s of words, then one workgroup sum; every word is read once
// numerics  integers: the same in any order of summation, on every adapter. mix is one to one: any changed word shows
// reference test/reference/checksum.ts

struct Params {
  words: u32,     // W; of the last vec4 only so many count
  first: u32,     // place of the piece's first word in its tensor: pieces of one tensor add up to the whole
  groups: u32,    // G
  pieces: u32,    // S
}
@group(1) @binding(0) var<uniform> params: Params;

@group(0) @binding(0) var<storage, read> words: array<vec4u>;                  // partial [W / 4], rounded up
@group(0) @binding(1) var<storage, read_write> partials_out: array<vec2u>;     // partial [G]
@group(0) @binding(0) var<storage, read> partials: array<vec2u>;               // total [S·1024]
@group(0) @binding(1) var<storage, read_write> sums: array<vec2u>;             // total [S]

const WG = 128u;
const MOST_GROUPS = 1024u;
var<workgroup> lanes: array<vec2u, WG>;

fn workgroup_total(value: vec2u, lane: u32) -> vec2u {
  lanes[lane] = value;
  workgroupBarrier();
  for (var stride = WG / 2u; stride > 0u; stride /= 2u) {
    if (lane < stride) {
      lanes[lane] += lanes[lane + stride];
    }
    workgroupBarrier();
  }
  return lanes[0];
}

// lowbias32 (Chris Wellons, "Prospecting for hash functions", 2018). Each step can be undone, so no two words mix alike.
fn mix_bits(value: vec4u) -> vec4u {
  var h = value;
  h = (h ^ (h >> vec4u(16u))) * 0x7feb352du;
  h = (h ^ (h >> vec4u(15u))) * 0x846ca68bu;
  return h ^ (h >> vec4u(16u));
}

fn across(value: vec4u) -> u32 {
  return value.x + value.y + value.z + value.w;
}

@compute @workgroup_size(WG)
fn partial(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  var sum = vec2u();
  for (var i = group.x * WG + lane; i < (params.words + 3u) / 4u; i += params.groups * WG) {
    let index = 4u * i + vec4u(0u, 1u, 2u, 3u);
    let place = params.first + index;
    let word = words[i];
    // Keys differ from place to place, so that swapped and shifted words show; the lanes take them in differently.
    let one = mix_bits(word ^ (place * 0x9e3779b1u));
    let two = mix_bits(word + (place * 0x85ebca77u + 0xc2b2ae3du));
    let counts = index < vec4u(params.words);
    sum += vec2u(across(select(vec4u(), one, counts)), across(select(vec4u(), two, counts)));
  }
  let all = workgroup_total(sum, lane);
  if (lane == 0u) {
    partials_out[group.x] = all;
  }
}

@compute @workgroup_size(WG)
fn total(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let piece = group.x + group.y * groups.x;
  if (piece >= params.pieces) {
    return;
  }
  var sum = vec2u();
  for (var i = lane; i < MOST_GROUPS; i += WG) {
    sum += partials[piece * MOST_GROUPS + i];
  }
  let all = workgroup_total(sum, lane);
  if (lane == 0u) {
    sums[piece] = all;
  }
}
