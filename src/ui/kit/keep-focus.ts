/**
 * Keeps the keyboard where it was when the focused element goes: a button that its own action removes or disables would
 * leave focus on <body>, and the next Tab at the top of the page. Focus then moves to the nearest control that is left in
 * the same card, or to the card's head.
 */

/** What is looked for, in this order: the one thing to do next, any button, then what typing and arrows go into. */
const CONTROLS = [
  "[data-kind='primary']:not(:disabled)",
  "button:not(:disabled, [tabindex='-1'])",
  ":is(a[href], summary, input:not(:disabled), select:not(:disabled), textarea:not(:disabled), [tabindex='0'])",
];
const HEAD = "h2 button";

/** Watches `root` for a focus that is lost. Returns the way to end it. */
export function keepFocus(root: HTMLElement): () => void {
  let last: Element | null = null;
  /** From the focused element outwards: where to look once it is gone. */
  let around: readonly Element[] = [];
  const onFocus = ({ target }: FocusEvent) => {
    if (!(target instanceof Element)) return;
    last = target;
    around = ancestors(target, root);
  };
  // A press on the ground is a wish to be nowhere.
  const onPress = ({ target }: PointerEvent) => {
    if (!(target instanceof Node) || !last?.contains(target)) last = null;
  };
  const look = () => {
    if (!last || document.activeElement !== document.body) return;
    if (last.isConnected && !last.matches(":disabled")) return;
    last = null;
    substitute(around)?.focus();
  };
  let asked = false;
  // The browser lets go of a disabled element only when it draws; a frame later it is known.
  const onChange = () => {
    if (!last || asked || (last.isConnected && !last.matches(":disabled"))) return;
    asked = true;
    requestAnimationFrame(() =>
      requestAnimationFrame(() => {
        asked = false;
        look();
      }),
    );
  };
  const observer = new MutationObserver(onChange);
  observer.observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: ["disabled"] });
  root.addEventListener("focusin", onFocus);
  document.addEventListener("pointerdown", onPress);
  return () => {
    observer.disconnect();
    root.removeEventListener("focusin", onFocus);
    document.removeEventListener("pointerdown", onPress);
  };
}

function ancestors(element: Element, root: Element): Element[] {
  const found: Element[] = [];
  for (let at = element.parentElement; at && at !== root; at = at.parentElement) found.push(at);
  return found;
}

/** The first control inside the nearest surrounding that has one, up to the card; then the card's head. */
function substitute(around: readonly Element[]): HTMLElement | null {
  for (const element of around.filter(({ isConnected }) => isConnected)) {
    if (element.matches("[data-card]")) return element.querySelector<HTMLElement>(HEAD);
    for (const selector of CONTROLS) {
      const control = [...element.querySelectorAll<HTMLElement>(selector)].find((one) => one.checkVisibility());
      if (control) return control;
    }
  }
  return null;
}
