/** Changes of knobs as advised: a button for each, with what it costs beside it. */
import type { KnobName } from "../../../train/config.ts";
import { Button } from "../../kit/button.tsx";
import { usePage } from "../../state/page.tsx";
import type { Advice } from "./memory-advice.ts";

interface AdviceButtonsProps {
  readonly advice: readonly Advice[];
  /** Told after the knobs were set. */
  readonly onSet?: (() => void) | undefined;
}

export function AdviceButtons({ advice, onSet }: AdviceButtonsProps) {
  const { actions } = usePage();
  const apply = ({ knobs }: Advice) => {
    for (const [name, value] of Object.entries(knobs)) actions.setKnob(name as KnobName, value);
    onSet?.();
  };
  if (advice.length === 0) return null;
  return (
    <ul className="c-train-advice">
      {advice.map((one) => (
        <li key={one.id}>
          <Button onPress={() => apply(one)}>{one.label}</Button>
          <span className="k-soft k-small">{one.cost}</span>
        </li>
      ))}
    </ul>
  );
}
