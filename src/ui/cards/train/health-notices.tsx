/** What the guard saw and did, as notices: the newest in sight, earlier ones a press away. */
import type { HealthEvent } from "../../../train/events.ts";
import { Details } from "../../kit/details.tsx";
import { Notice } from "../../kit/notice.tsx";
import { useAppState } from "../../state/page.tsx";
import { LEVEL_TONES } from "../verdict-words.ts";
import { headline, shownEvents } from "./health-words.ts";

/** More would push the curve off the screen. */
const IN_SIGHT = 2;

export function HealthNotices() {
  const health = useAppState((state) => state.health);
  const shown = shownEvents(health);
  if (shown.length === 0) return null;
  const earlier = shown.slice(IN_SIGHT);
  return (
    <div className="c-train-findings">
      {shown.slice(0, IN_SIGHT).map((one) => (
        <HealthNotice key={`${one.event.step} ${one.event.text}`} {...one} />
      ))}
      {earlier.length > 0 && (
        <Details
          summary={`Earlier: ${earlier.length === 1 ? "one more word" : `${earlier.length} more words`} on this run`}
        >
          <div className="c-train-findings">
            {earlier.map((one) => (
              <HealthNotice key={`${one.event.step} ${one.event.text}`} {...one} />
            ))}
          </div>
        </Details>
      )}
    </div>
  );
}

function HealthNotice({ event, count }: { readonly event: HealthEvent; readonly count: number }) {
  const title = count === 1 ? headline(event) : `${count} updates were skipped`;
  return (
    <Notice tone={LEVEL_TONES[event.level]} title={title}>
      <p>
        {count > 1 && "The newest: "}
        {event.text}
      </p>
      {event.fix && <p className="k-soft">{event.fix}</p>}
    </Notice>
  );
}
