/** The Model card in its states. */
import { ModelCard } from "../../../src/ui/cards/model/model-card.tsx";
import { MODEL_ANSWERS, MODEL_STATES } from "./fake/model.ts";
import { showCard } from "./fake/stand.tsx";

showCard(MODEL_STATES, MODEL_ANSWERS, <ModelCard />);
