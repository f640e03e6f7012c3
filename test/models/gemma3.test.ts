import { modelContract } from "../support/model-contract.ts";

modelContract("gemma3");
