/** Closes a card that is done and puts the focus on the one it is now, so that the keyboard is not left behind. */
import type { Actions } from "../state/actions.ts";
import type { CardId } from "../state/app-state.ts";

export function nextCard(actions: Actions, done: CardId): void {
  actions.toggleCard(done, false);
  requestAnimationFrame(() => {
    const open = document.querySelector<HTMLElement>('[data-card][data-open="true"] h2 button');
    (open ?? document.querySelector<HTMLElement>(`[data-card="${done}"] h2 button`))?.focus();
  });
}
