/** Starts the line in which the probe reports; drivers print to stdout too. */
export const PROBE_MARK = "lorikeet-probe ";
