/** Adapters of several runs as one: what the page asks for, and what stands. Plain data, as in states.ts. */
import type { LayerLoss } from "../lora/resize.ts";

/** A run's adapter, and what its change is multiplied with. */
export interface MixPart {
  readonly id: string;
  /** Of any sign. */
  readonly weight: number;
}

/** A part with what tells its run from others. */
export interface MixedRun extends MixPart {
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly began: number;
}

/** What the model speaks with instead of the shown run's adapter. */
export interface MixState {
  readonly parts: readonly MixedRun[];
  /** Of the exact sum. */
  readonly rank: number;
  /** The largest of the parts' ranks. */
  readonly largest: number;
}

export type MixFile = "mlx.zip" | "peft.zip";

/** The mix under a rank. */
export interface MixLoss {
  /** What the rank has become: no more than the mix has. */
  readonly rank: number;
  /** ‖ΔW − ΔW_r‖ / ‖ΔW‖ over all layers; 0: nothing is left out. */
  readonly error: number;
  /** The layer that loses most; null where none does. */
  readonly worst: LayerLoss | null;
  /** Of the adapter's numbers in a file. */
  readonly bytes: number;
}
