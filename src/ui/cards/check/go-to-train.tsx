/** A button that opens the Train card and goes there. */
import { Button } from "../../kit/button.tsx";
import { usePage } from "../../state/page.tsx";

export function GoToTrain({ children }: { readonly children: string }) {
  const { actions } = usePage();
  const go = () => {
    actions.toggleCard("train", true);
    requestAnimationFrame(() => document.querySelector<HTMLElement>('[data-card="train"] h2 button')?.focus());
  };
  return <Button onPress={go}>{children}</Button>;
}
