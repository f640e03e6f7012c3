/** Is a reference's backward the derivative of its forward? Central differences along random directions, in float64. */
import type { Random } from "../../src/core/random.ts";
import { fill } from "./values.ts";

const STEP = 1e-5;

/**
 * |⟨gradient, direction⟩ − (f(x + h·d) − f(x − h·d))/2h|, relative to the root of the sum of squares of the products
 * that make up ⟨gradient, direction⟩; f = Σ dy·forward with random dy.
 */
export function gradientError(
  inputs: readonly Float64Array[],
  forward: (inputs: readonly Float64Array[]) => readonly Float64Array[],
  backward: (inputs: readonly Float64Array[], dys: readonly Float64Array[]) => readonly Float64Array[],
  random: Random,
): number {
  const dys = forward(inputs).map((output) => fill(random, output.length));
  const directions = inputs.map((input) => fill(random, input.length));
  const value = (h: number): number => {
    const moved = inputs.map((input, i) => input.map((x, j) => x + h * directions[i]![j]!));
    return inner(forward(moved), dys);
  };
  const numeric = (value(STEP) - value(-STEP)) / (2 * STEP);
  const gradients = backward(inputs, dys);
  const analytic = inner(gradients, directions);
  const products = gradients.flatMap((gradient, i) => Array.from(gradient, (g, j) => g * directions[i]![j]!));
  const size = Math.sqrt(products.reduce((sum, product) => sum + product * product, 0));
  return Math.abs(numeric - analytic) / Math.max(size, 1e-12);
}

function inner(a: readonly Float64Array[], b: readonly Float64Array[]): number {
  let sum = 0;
  for (const [i, values] of a.entries()) for (const [j, value] of values.entries()) sum += value * b[i]![j]!;
  return sum;
}
