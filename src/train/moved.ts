/**
 * Whether training moves what it says it trains: each factor of each adapted layer, compared with where the run began.
 * An adapter that the forward pass ignores, or that the optimizer skips, shows here and nowhere in the loss.
 */
import { modelError } from "../core/errors.ts";
import type { AttachedLora } from "../lora/attach.ts";

type Slots = Pick<AttachedLora, "slots">;

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
  return slots.flatMap(({ path, A, B }) =>
    [
      { factor: "lora_A", tensor: A, due: applied >= 2 },
      { factor: "lora_B", tensor: B, due: applied >= 1 },
    ].flatMap(({ factor, tensor, due }) => {
      const begin = tensor.offset / 4;
      return due && same(begin, begin + tensor.shape[0]! * tensor.shape[1]!) ? `${path}.${factor}` : [];
    }),
  );
}

/** How often B may lie still before it counts: in one batch a layer can rightly have no gradient, hardly in three. */
const CHANCES = 3;

/** The check after the first update. Ask `due` before each update; `take` rejects when a B has not moved in time. */
export class FirstMoves {
  private chances = CHANCES;
  private readonly lora: AttachedLora;

  constructor(lora: AttachedLora) {
    this.lora = lora;
  }

  /** Whether the factors after an update with this rate are wanted. */
  due(learningRate: number): boolean {
    return this.chances > 0 && learningRate > 0;
  }

  /** `before`: where the run began, `after`: after an applied update, [P]; `moments`: the first moments, read on failure. */
  async take(before: Float32Array, after: Float32Array, moments: () => Promise<Float32Array>): Promise<void> {
    if (this.chances === 0) return;
    const still = unmovedFactors(this.lora, before, after, 1);
    this.chances = still.length === 0 ? 0 : this.chances - 1;
    if (still.length === 0 || this.chances > 0) return;
    const m = await moments();
    const idle = unmovedFactors(this.lora, new Float32Array(m.length), m, 1);
    const cut = still.filter((name) => idle.includes(name));
    const cause =
      cut.length > 0
        ? "They have no gradient: what the model computes does not depend on them"
        : "They have gradients, but the optimizer leaves them as they are";
    throw modelError(
      `${still.length} of ${this.lora.slots.length} adapted layers did not move in ${CHANCES} updates: ${someOf(still)}. ${cause}`,
      "This run would train only part of its adapter. This is a fault of Lorikeet or of the model's files; train without these layers (target modules), and report it.",
    );
  }
}

const SHOWN = 6;

/** The first few names, and how many more there are. */
export function someOf(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return `${names.slice(0, SHOWN).join(", ")}${more}`;
}
