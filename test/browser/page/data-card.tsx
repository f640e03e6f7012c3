/** The Data card in its states. */
import { DataCard } from "../../../src/ui/cards/data/data-card.tsx";
import { DATA_ANSWERS, DATA_STATES } from "./fake/data.ts";
import { showCard } from "./fake/stand.tsx";

showCard(DATA_STATES, DATA_ANSWERS, <DataCard />);
