/** The engine's verdict on an answer: a word with its icon, and on demand what it rests on. */
import type { AnswerHealth } from "../../../health/answers.ts";
import { Badge } from "../../kit/badge.tsx";
import { Details } from "../../kit/details.tsx";
import { ANSWER_WORDS } from "../verdict-words.ts";

export function AnswerBadge({ health }: { readonly health: AnswerHealth }) {
  const { verdict, symptoms, notes } = health;
  const { tone, word } = ANSWER_WORDS[verdict];
  const badge = <Badge tone={tone}>{word}</Badge>;
  if (symptoms.length + notes.length === 0) return <div>{badge}</div>;
  return (
    <Details
      summary={
        <span className="c-train-why">
          {badge}
          <span className="k-soft k-small">{symptoms.length > 0 ? "Why" : "Notes"}</span>
        </span>
      }
    >
      <ul className="c-train-symptoms">
        {symptoms.map(({ kind, text }) => (
          <li key={kind}>{text}</li>
        ))}
        {notes.map((note) => (
          <li key={note} className="k-soft">
            {note}
          </li>
        ))}
      </ul>
    </Details>
  );
}
