/** The gateway's own subprotocol, spoken at each of its doors. */
export const PROTOCOL = "hastexo-lab.v1";
