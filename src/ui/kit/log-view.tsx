/** What happened, in order: a log that follows its end, and a timeline of few events. */
import { useLayoutEffect, useRef } from "react";
import { Icon } from "./icon.tsx";
import { TONES, type Tone } from "./tone.ts";
import "./log-view.css";

const NEAR = 24;

export interface LogViewProps {
  readonly label: string;
  readonly lines: readonly string[];
  /** Lines kept on screen. */
  readonly limit?: number;
}

/** The last lines of a log. It follows its end unless the reader has scrolled up. */
export function LogView({ label, lines, limit = 200 }: LogViewProps) {
  const box = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const first = Math.max(0, lines.length - limit);
  // biome-ignore lint/correctness/useExhaustiveDependencies: follows whenever a line comes.
  useLayoutEffect(() => {
    if (box.current && following.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines.length]);
  const onScroll = () => {
    const element = box.current;
    if (element) following.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR;
  };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <div ref={box} className="k-log" role="log" aria-label={label} tabIndex={0} onScroll={onScroll}>
      {first > 0 && <p className="k-soft">{first} earlier lines are not shown.</p>}
      {lines.slice(first).map((line, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place in the log.
        <p key={first + i}>{line}</p>
      ))}
    </div>
  );
}

export interface TimelineEntry {
  readonly id: string;
  readonly time: string;
  readonly text: string;
  readonly tone?: Tone | undefined;
}

/** Few events with their times. */
export function Timeline({ label, entries }: { readonly label: string; readonly entries: readonly TimelineEntry[] }) {
  return (
    <ol className="k-timeline" aria-label={label}>
      {entries.map(({ id, time, text, tone = "neutral" }) => (
        <li key={id} data-tone={tone}>
          <Icon name={TONES[tone].icon} label={tone === "neutral" ? undefined : TONES[tone].word} />
          <span className="k-timeline-time">{time}</span>
          <span>{text}</span>
        </li>
      ))}
    </ol>
  );
}
