import { Association } from "../../../dtls/association/association.ts";
import type { AssociationState } from "../../../dtls/association/association-state.ts";
import type { CommonSettings } from "../../../dtls/association/settings.ts";
import { AuthenticatedPeer } from "../../../dtls/handshake/peer.ts";
import { FakeEnvironment } from "./environment.ts";
import type { Pair } from "./pair.ts";
import { Session } from "./session.ts";
import { clientSettings, serverSettings } from "./settings.ts";
import { clientAddress, serverAddress } from "./under-test.ts";

export interface ImportOptions {
  readonly settings?: Partial<CommonSettings>;
  /** What another process, or a damaged file, would have made of the state. */
  readonly change?: (state: AssociationState) => AssociationState;
}

/** Exports one side of an established pair and imports it where it was: datagrams to it reach the new one. */
export function reimport(
  pair: Pair,
  side: "client" | "server",
  { settings, change = (state) => state }: ImportOptions = {},
): Session {
  const old = side === "client" ? pair.clientSession : pair.serverSession;
  const state = change(old.act((it) => it.exportState()));
  const all = side === "client" ? clientSettings(settings) : serverSettings(settings);
  const { simulation, network, prng } = pair;
  const environment = new FakeEnvironment({ now: () => simulation.now, prng, keyShares: "pooled" });
  const peer = state.peer && AuthenticatedPeer.restored(state.peer, "judged anew");
  const own = side === "client" ? clientAddress : serverAddress;
  const session = new Session(Association.import(all, environment, state, peer), {
    simulation,
    send: (bytes, to) => network.send(own, to, bytes),
    application: {},
    answerDelayMs: 0,
  });
  session.established = true;
  network.attach(own, (datagram, from) => session.act((it) => void it.handleDatagram(datagram, from)));
  return session;
}
