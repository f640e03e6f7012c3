import { modelContract } from "../support/model-contract.ts";

modelContract("phi3-partial");
