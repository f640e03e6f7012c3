/** What the Check card remembers while it is closed: how to answer, and which answers the person stopped. */
import type { MixDraft } from "./mix.ts";

export interface Memory {
  /** 0: always the likeliest token. */
  readonly temperature: number;
  readonly seed: number;
  /** New words of the tuned answer are marked. */
  readonly marked: boolean;
  readonly stoppedComparison: boolean;
  /** Turns of the chat, by their place. */
  readonly stoppedTurns: ReadonlySet<number>;
  /** Weights as they were set; null: those that stand. */
  readonly mix: MixDraft | null;
}

export interface MemoryProps {
  readonly memory: Memory;
  readonly onMemory: (changes: Partial<Memory>) => void;
}

export const FRESH_MEMORY: Memory = {
  ...{ temperature: 0, seed: 0, marked: true, stoppedComparison: false, stoppedTurns: new Set(), mix: null },
};

/** The turns with one more, or one fewer. */
export function withTurn({ stoppedTurns }: Memory, turn: number, stopped: boolean): Pick<Memory, "stoppedTurns"> {
  const turns = new Set(stoppedTurns);
  if (stopped) turns.add(turn);
  else turns.delete(turn);
  return { stoppedTurns: turns };
}
