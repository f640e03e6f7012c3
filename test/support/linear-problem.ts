/** A group of linear layers with values on the host, and the same group placed on a device. */
import { Random } from "../../src/core/random.ts";
import type { Device } from "../../src/gpu/device.ts";
import type { Program } from "../../src/gpu/program.ts";
import { reshape, sliceRows, type Tensor } from "../../src/gpu/tensor.ts";
import { freeWeight, sliceWeight, type WeightElement } from "../../src/gpu/weight.ts";
import type { LinearMember } from "../../src/ops/linear.ts";
import type { LinearLayer } from "../reference/linear.ts";
import { upload } from "./run-op.ts";
import { fill, type Host, hostTensor, toF32 } from "./values.ts";
import { placeWeight, rounded, withBinding } from "./weights.ts";

export interface LayerShape {
  readonly out: number;
  /** True rank; 0 = no adapter. In memory it is padded by zeros to a multiple of 4. */
  readonly rank: number;
  readonly scale?: number;
  readonly bias?: boolean;
  /** Rows per shard of the weight. */
  readonly shardRows?: number;
  /** No gradient for A, B or both. */
  readonly frozen?: "A" | "B" | "AB";
}

export interface GroupShape {
  readonly N: number;
  readonly K: number;
  readonly layers: readonly LayerShape[];
  readonly element?: WeightElement;
  /** The adapters see another input than the base weights, as behind dropout. */
  readonly dropped?: boolean;
  /** Put a gap between the A factors, so that they are no one matrix. */
  readonly gaps?: boolean;
  /** The weights, and the biases, lie one behind another, and so do the gradients of the results. */
  readonly joint?: boolean;
  /** y is added to a residual [N, out]; for a single layer. */
  readonly residual?: boolean;
}

export interface Group {
  readonly x: Host;
  readonly dropped: Host;
  readonly layers: readonly LinearLayer[];
  readonly dys: readonly Host[];
  readonly residual: Host | null;
}

const padded = (rank: number): number => Math.ceil(rank / 4) * 4;

export function makeGroup({ N, K, layers, element = "f32", dropped, residual }: GroupShape, seed: number): Group {
  const random = new Random(seed);
  const x = hostTensor(random, [N, K]);
  return {
    x,
    dropped: dropped ? hostTensor(random, [N, K]) : x,
    layers: layers.map(({ out, rank, scale = 0.5, bias }) => ({
      out,
      W: rounded(hostTensor(random, [out, K]), element).values,
      bias: bias ? fill(random, out) : null,
      lowRank: rank === 0 ? null : { ...factors(random, out, K, rank), scale, rank: padded(rank) },
    })),
    dys: layers.map(({ out }) => hostTensor(random, [N, out])),
    residual: residual ? hostTensor(random, [N, layers[0]!.out]) : null,
  };
}

/** A [padded, K] with zero rows and B [out, padded] with zero columns past the true rank. */
function factors(random: Random, out: number, K: number, rank: number) {
  const r = padded(rank);
  const A = fill(random, r * K).map((value, i) => (Math.floor(i / K) < rank ? value : 0));
  const B = fill(random, out * r).map((value, i) => (i % r < rank ? value : 0));
  return { A, B };
}

export interface Placed {
  readonly members: readonly LinearMember[];
  /** A_i, B_i of the adapted members, as the op's inputs want them. */
  readonly factors: readonly Tensor[];
  free(): void;
}

/** Factors lie in one buffer: first all A, side by side or with gaps, then all B; their gradients in another, alike. */
export function placeGroup(program: Program, device: Device, shape: GroupShape, group: Group): Placed {
  const { K, element = "f32", gaps } = shape;
  const values = device.allocate([1 << 16], "adapters");
  const gradients = device.allocate([1 << 16], "gradients");
  let at = gaps ? 64 : 0;
  const place = (data: Float64Array, size: readonly [number, number], frozen: boolean): Tensor => {
    const offset = 4 * at;
    device.upload(values, new Uint8Array(toF32(data).buffer), offset);
    at += data.length;
    if (gaps || at % 64 !== 0) at = Math.ceil((at + (gaps ? 1 : 0)) / 64) * 64;
    const view = { storage: values.storage, offset, shape: size, element: "f32" } as const;
    return frozen ? view : { ...view, grad: { ...view, storage: gradients.storage } };
  };
  const together = shape.joint ? placeTogether(device, shape, group) : null;
  const frozen = (i: number, name: string) => shape.layers[i]!.frozen?.includes(name) ?? false;
  const adapters = group.layers.map(
    ({ lowRank }, i) => lowRank && { A: place(lowRank.A, [lowRank.rank, K], frozen(i, "A")) },
  );
  const members = group.layers.map(({ out, W, bias, lowRank }, i): LinearMember => {
    const { shardRows = out } = shape.layers[i]!;
    const small = withBinding(device, shardRows * K * (element === "f32" ? 4 : 2));
    return {
      weight: together?.weights[i] ?? placeWeight(small, { shape: [out, K], values: W }, element),
      bias: together?.biases?.[i] ?? (bias && reshape(upload(program, { shape: [out], values: bias }, "bias"), [out])),
      lowRank: lowRank && {
        A: adapters[i]!.A,
        B: place(lowRank.B, [out, lowRank.rank], frozen(i, "B")),
        scale: lowRank.scale,
      },
    };
  });
  return {
    members,
    factors: members.flatMap(({ lowRank }) => (lowRank ? [lowRank.A, lowRank.B] : [])),
    free: () => {
      for (const { weight } of members) freeWeight(device, weight);
      if (together?.biases) device.free(together.biases[0]!);
      device.free(values);
      device.free(gradients);
    },
  };
}

/** All weights in one storage, all biases in another; every part must end on a multiple of 256 bytes. */
function placeTogether(device: Device, { K, layers, element = "f32" }: GroupShape, group: Group) {
  const rows = layers.reduce((sum, { out }) => sum + out, 0);
  const values = Float64Array.from(group.layers.flatMap(({ W }) => [...W]));
  const whole = placeWeight(device, { shape: [rows, K], values }, element);
  const biases = layers[0]!.bias ? device.allocate([rows], "biases") : null;
  if (biases) {
    const all = Float64Array.from(group.layers.flatMap(({ bias }) => [...bias!]));
    device.upload(biases, new Uint8Array(toF32(all).buffer));
  }
  let row = 0;
  const views = layers.map(({ out }) => {
    const weight = sliceWeight(whole, row, out);
    const bias = biases && sliceRows(biases, row, out);
    row += out;
    return { weight: { ...weight, shape: [out, K] as const }, bias };
  });
  return { weights: views.map(({ weight }) => weight), biases: biases && views.map(({ bias }) => bias!) };
}
