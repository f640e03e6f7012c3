/** Groups of linear layers of every kind: sizes, storages, ranks, gaps, what is frozen, what lies side by side. */
import type { GroupShape } from "./linear-problem.ts";

/** Groups that are one product: every part ends on a multiple of 256 bytes. */
export const JOINT: readonly GroupShape[] = [
  {
    N: 7,
    K: 16,
    layers: [
      { out: 128, rank: 8, bias: true },
      { out: 64, rank: 8, bias: true },
      { out: 64, rank: 8, bias: true },
    ],
    element: "bf16",
    joint: true,
  },
  // One row, as a decoding step has; padded rank.
  {
    N: 1,
    K: 32,
    layers: [
      { out: 32, rank: 3 },
      { out: 16, rank: 3 },
    ],
    joint: true,
  },
  {
    N: 19,
    K: 32,
    layers: [
      { out: 16, rank: 0 },
      { out: 48, rank: 0 },
      { out: 16, rank: 0 },
    ],
    joint: true,
  },
  {
    N: 10,
    K: 16,
    layers: [
      { out: 64, rank: 4 },
      { out: 16, rank: 4 },
    ],
    dropped: true,
    joint: true,
  },
  // Joined weights, but factors that are not: each layer by itself.
  {
    N: 5,
    K: 16,
    layers: [
      { out: 16, rank: 4 },
      { out: 16, rank: 0 },
    ],
    joint: true,
  },
];

export const SHAPES: readonly GroupShape[] = [
  { N: 1, K: 4, layers: [{ out: 4, rank: 0 }] },
  { N: 13, K: 20, layers: [{ out: 28, rank: 8, bias: true }] },
  { N: 13, K: 20, layers: [{ out: 12, rank: 3 }], element: "f16" },
  ...JOINT,
  { N: 9, K: 20, layers: [{ out: 12, rank: 4, bias: true }], residual: true },
  { N: 2, K: 20, layers: [{ out: 12, rank: 0 }], element: "bf16", residual: true },
  {
    N: 5,
    K: 16,
    layers: [
      { out: 12, rank: 8 },
      { out: 8, rank: 8, bias: true },
      { out: 8, rank: 8 },
    ],
    element: "bf16",
  },
  {
    N: 7,
    K: 64,
    layers: [
      { out: 16, rank: 4 },
      { out: 16, rank: 4 },
    ],
    dropped: true,
  },
  {
    N: 6,
    K: 16,
    layers: [
      { out: 12, rank: 5, scale: 2 },
      { out: 8, rank: 0 },
      { out: 8, rank: 2 },
    ],
    dropped: true,
    gaps: true,
  },
  {
    N: 6,
    K: 16,
    layers: [
      { out: 12, rank: 8, scale: 2 },
      { out: 8, rank: 8, scale: 1 },
    ],
  },
  {
    N: 9,
    K: 8,
    layers: [
      { out: 300, rank: 0, shardRows: 128 },
      { out: 12, rank: 4 },
    ],
  },
  {
    N: 9,
    K: 16,
    layers: [
      { out: 12, rank: 4, frozen: "A" },
      { out: 12, rank: 4, frozen: "B" },
      { out: 8, rank: 4, frozen: "AB" },
    ],
  },
];
