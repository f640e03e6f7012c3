/** The voice before and after, as two bars with a sentence. */
import { Section } from "../../kit/card.tsx";
import { Explain } from "../../kit/explain.tsx";
import { useAppState } from "../../state/page.tsx";
import { percent, voiceSentence } from "./voice-text.ts";

export function VoicePart() {
  const voice = useAppState((state) => state.voice);
  if (!voice) return null;
  const bars = [
    { name: "Base", score: voice.base.score, tuned: false },
    { name: "Tuned", score: voice.tuned.score, tuned: true },
  ];
  return (
    <Section
      title="Voice"
      explain={
        <Explain term="the voice">
          Answers to validation questions beside the dataset's own: half is chrF, which compares letters with the
          expected answer; half is how alike the turns of phrase are to all answers of the dataset. 100 % is as the
          dataset itself.
        </Explain>
      }
    >
      <div className="c-train-voice" aria-hidden="true">
        {bars.map(({ name, score, tuned }) => (
          <div key={name}>
            <span>{name}</span>
            <span className="c-train-bar" data-tuned={tuned}>
              <span style={{ width: `${100 * Math.min(1, score)}%` }} />
            </span>
            <span>{percent(score)}</span>
          </div>
        ))}
      </div>
      <p className="k-soft k-small">{voiceSentence(voice)}</p>
    </Section>
  );
}
