/** An answer with the words that are new against the one before, underlined and set on colour. */
import { useMemo } from "react";
import { diffWords } from "./diff-words.ts";
import "./diff.css";

export interface DiffProps {
  readonly before: string;
  readonly after: string;
  /** A name for the text, for readers that cannot see where it stands. */
  readonly label?: string | undefined;
}

/** The text `after`; its new words are <ins>. */
export function Diff({ before, after, label }: DiffProps) {
  const parts = useMemo(() => diffWords(before, after), [before, after]);
  return (
    <p className="k-diff">
      {label && <span className="k-hidden">{label}: </span>}
      {parts.map(({ text, fresh }, i) =>
        fresh ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts have no other identity.
          <ins key={i}>{text}</ins>
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: parts have no other identity.
          <span key={i}>{text}</span>
        ),
      )}
    </p>
  );
}
