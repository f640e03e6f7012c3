/**
 * Whether training moves what it says it trains: each factor of each adapted layer, compared with where the run began.
 * An adapter that the forward pass ignores, or that the optimizer skips, shows here and nowhere in the loss.
 */
import { elementCount } from "../core/dtype.ts";
import { modelError } from "../core/errors.ts";
import { listed } from "../core/units.ts";
import type { AttachedLora } from "../lora/attach.ts";

type Slots = Pick<AttachedLora, "slots">;

/** DoRA's, by peft's name. */
const MAGNITUDE = "lora_magnitude_vector";

/**
 * "model.layers.0.self_attn.q_proj.lora_B" for every factor whose numbers are the same in `before` and `after`, both of
 * the adapter's flat layout [P]. `applied`: updates with a rate above 0 between the two. B begins at zero, so the first
 * of them has no gradient for A: A must have moved from the second on.
 */
export function unmovedFactors({ slots }: Slots, before: Float32Array, after: Float32Array, applied: number): string[] {
  const same = (begin: number, end: number) => {
    for (let i = begin; i < end; i++) if (before[i] !== after[i]) return false;
    return true;
  };
  return slots.flatMap(({ path, A, B, magnitude }) =>
    [
      { factor: "lora_A", tensor: A, due: applied >= 2 },
      { factor: "lora_B", tensor: B, due: applied >= 1 },
      ...(magnitude ? [{ factor: MAGNITUDE, tensor: magnitude, due: applied >= 1 }] : []),
    ].flatMap(({ factor, tensor, due }) => {
      const begin = tensor.offset / 4;
      return due && same(begin, begin + elementCount(tensor.shape)) ? `${path}.${factor}` : [];
    }),
  );
}

const factorCount = ({ slots }: Slots): number => slots.reduce((sum, { magnitude }) => sum + (magnitude ? 3 : 2), 0);

/** Updates until it is decided: in one batch a layer can rightly have no gradient, hardly in three. */
const CHANCES = 3;

/** At a rate below this, AdamW's step is below half a float32 spacing of a resumed B, which then rightly lies still. */
const SMALLEST_RATE = 1e-9;

/**
 * The check after the first updates: every B moves, and from the second on every A has a gradient, and every magnitude of
 * DoRA's. (That these move proves nothing so early: weight decay alone moves them.) Ask `due` before each update; `take` rejects when it was not so in time.
 */
export class FirstMoves {
  private seen = 0;
  private decided = false;
  private readonly lora: AttachedLora;

  constructor(lora: AttachedLora) {
    this.lora = lora;
  }

  /** Whether the factors after an update with this rate are wanted. */
  due(learningRate: number): boolean {
    return !this.decided && learningRate > SMALLEST_RATE;
  }

  /** `before`: where the run began, `after`: after an applied update, [P]; `moments`: AdamW's first, asked for once or twice. */
  async take(before: Float32Array, after: Float32Array, moments: () => Promise<Float32Array>): Promise<void> {
    if (this.decided) return;
    this.seen += 1;
    const still = unmovedFactors(this.lora, before, after, 1);
    const last = this.seen === CHANCES;
    if (this.seen === 1 || (still.length > 0 && !last)) return;
    const m = await moments();
    const idle = new Set(unmovedFactors(this.lora, new Float32Array(m.length), m, 2));
    // Where B lies at zero, A can have no gradient: B is what is wrong there.
    const deaf = this.lora.slots.flatMap(({ path }) => [
      ...(idle.has(`${path}.lora_A`) && !still.includes(`${path}.lora_B`) ? [`${path}.lora_A`] : []),
      ...(idle.has(`${path}.${MAGNITUDE}`) ? [`${path}.${MAGNITUDE}`] : []),
    ]);
    const wrong = [...new Set([...still, ...deaf])];
    this.decided = wrong.length === 0 || last;
    if (wrong.length === 0 || !last) return;
    const cause = wrong.some((name) => idle.has(name))
      ? "They have no gradient: what the model computes does not depend on them"
      : "They have gradients, but the optimizer leaves them as they are";
    throw modelError(
      `${wrong.length} of ${factorCount(this.lora)} factors learned nothing in ${CHANCES} updates: ${listed(wrong)}. ${cause}`,
      "This run would train only part of its adapter. This is a fault of Lorikeet or of the model's files; train without these layers (target modules), and report it.",
    );
  }
}
