import { modelContract } from "../support/model-contract.ts";

modelContract("mistral-sw");
