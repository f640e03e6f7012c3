/** What happened, in order: a log that follows its end. */
import { useLayoutEffect, useRef } from "react";
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
  useLayoutEffect(() => {
    if (box.current && following.current) box.current.scrollTop = box.current.scrollHeight;
  });
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
