/** How close base and adapter come to the dataset's manner, in a sentence. Pure. */
import { formatCount } from "../../../core/units.ts";
import type { VoiceEvent } from "../../../train/events.ts";

/** A difference of the score below this is none: so few questions tell no more. */
const LEAST = 0.03;

export const percent = (score: number): string => `${Math.round(100 * score)} %`;

/** "The answers came closer to the dataset's manner: 21 % before, 68 % with the adapter, on 6 questions it was not trained on." */
export function voiceSentence({ base, tuned, questions }: VoiceEvent): string {
  const change = tuned.score - base.score;
  const lead =
    Math.abs(change) < LEAST
      ? "The answers are about as close to the dataset's manner as before"
      : change > 0
        ? "The answers came closer to the dataset's manner"
        : "The answers went away from the dataset's manner";
  const asked = `${formatCount(questions)} ${questions === 1 ? "question" : "questions"}`;
  return `${lead}: ${percent(base.score)} before, ${percent(tuned.score)} with the adapter, on ${asked} it was not trained on.`;
}
