import type { Association, FirstHello } from "../association/association.ts";
import type { Address, ClientSettings, Environment, ServerSettings } from "../association/settings.ts";

/** What the endpoint uses of an association: the whole of its dependence on the protocol engine. */
export type EndpointAssociation = Pick<
  Association,
  | "address"
  | "alpnProtocol"
  | "answer"
  | "cipherSuite"
  | "close"
  | "deadline"
  | "exportKeyingMaterial"
  | "exportState"
  | "handleDatagram"
  | "handleTimeout"
  | "maxPlaintext"
  | "ownConnectionId"
  | "peer"
  | "resumed"
  | "send"
  | "serverName"
  | "start"
  | "state"
  | "takeOutputs"
  | "tidy"
>;

/** How associations are made; the class Association is one. Tests put a simpler one in its place. */
export interface Associations {
  server(
    settings: ServerSettings,
    environment: Environment,
    peer: Address,
    first: FirstHello,
  ): EndpointAssociation;
  client(settings: ClientSettings, environment: Environment, peer: Address): EndpointAssociation;
}
