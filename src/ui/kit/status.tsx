/** What a screen reader hears while something goes on: the newest text, every few seconds at most. */
import { useEffect, useState } from "react";
import { createThrottle, type Throttle } from "./throttle.ts";

export interface StatusProps {
  readonly text: string;
  /** Milliseconds between two announcements. */
  readonly every?: number;
  /** Shows the text as well. */
  readonly visible?: boolean;
}

/** A polite live region. */
export function Status({ text, every = 5000, visible = false }: StatusProps) {
  const [said, setSaid] = useState("");
  const [throttle, setThrottle] = useState<Throttle<string> | null>(null);
  useEffect(() => {
    const made = createThrottle<string>(every, setSaid);
    setThrottle(made);
    return () => made.stop();
  }, [every]);
  useEffect(() => throttle?.push(text), [throttle, text]);
  return (
    <p role="status" className={visible ? "k-soft" : "k-hidden"}>
      {said}
    </p>
  );
}
