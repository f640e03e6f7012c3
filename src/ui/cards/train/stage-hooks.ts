/** The stage's hooks: a key for the whole page, and a state that stays for a while after it has passed. */
import { useEffect, useRef, useState } from "react";

/** Where Space has a meaning of its own: controls, and boxes that scroll. */
const OWN_SPACE = 'a, button, input, select, textarea, summary, dialog, [contenteditable], [tabindex="0"]';

/** Calls `press` for Space, unless focus is where Space does something else. */
export function useSpaceKey(press: () => void): void {
  const newest = useRef(press);
  useEffect(() => {
    newest.current = press;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.code !== "Space" || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof Element && event.target.closest(OWN_SPACE)) return;
      event.preventDefault(); // the page would scroll
      newest.current();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
}

/** `now`, and still true for `milliseconds` after it has become false. */
export function useLingering(now: boolean, milliseconds: number): boolean {
  const [shown, setShown] = useState(now);
  useEffect(() => {
    if (now) {
      setShown(true);
      return;
    }
    const timer = setTimeout(() => setShown(false), milliseconds);
    return () => clearTimeout(timer);
  }, [now, milliseconds]);
  return now || shown;
}
