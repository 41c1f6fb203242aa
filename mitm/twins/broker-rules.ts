import { posix } from "node:path";
import type { IConnectPacket, IPublishPacket } from "mqtt-packet";
import { contains, isFilter, matches } from "../mqtt/topics.ts";

type Tolerates = ReadonlySet<string>;

/** Whom the certificate of a connection stands for. */
export interface Principal {
  readonly id: string;
  readonly kind: "device" | "operator";
}

const willBytes = 16_384;
const clientIdBytes = 128;

/**
 * What a principal may do: a device is bound to its own topics and client ids. Each method holds its rules strictly but
 * for the ones that the broker tolerates being broken.
 */
export class BrokerRules {
  readonly principal: Principal;
  readonly #tolerates: Tolerates;
  readonly #publish: string;
  readonly #subscribe: string;

  /** `connect` only matters where an identity is believed that is not the certificate's. */
  constructor(principal: Principal, tolerates: Tolerates, connect?: IConnectPacket) {
    this.principal = principal;
    this.#tolerates = tolerates;
    const id = this.#believed(connect);
    this.#publish = principal.kind === "operator" ? "devices/+/down/#" : `devices/${id}/up/#`;
    this.#subscribe = principal.kind === "operator" ? "devices/#" : `devices/${id}/down/#`;
  }

  #believed(connect: IConnectPacket | undefined): string {
    const { id } = this.principal;
    if (connect === undefined) return id;
    if (this.#tolerates.has("identity-from-username") && connect.username !== undefined)
      return connect.username;
    if (this.#tolerates.has("identity-from-client-id")) return connect.clientId;
    return this.#tolerates.has("client-id-in-template") && /[+#]/.test(connect.clientId)
      ? connect.clientId
      : id;
  }

  /** The client id under which the session is kept: as it was said. */
  sessionName(clientId: string): string {
    if (!this.#tolerates.has("client-id-normalized")) return clientId;
    return posix.normalize(clientId.replaceAll(/%2f/gi, "/"));
  }

  /** The return code of a CONNECT that is refused (MQTT 3.1.1 §3.2.2.3). */
  refusedConnect(packet: IConnectPacket): number | undefined {
    const [identifierRejected, badUserName, notAuthorized] = [2, 4, 5];
    const { clientId, username, will } = packet;
    if (!this.#mayUseClientId(clientId)) return identifierRejected;
    const isOwn = username === undefined || username === this.principal.id;
    if (!isOwn && !this.#tolerates.has("identity-from-username")) return badUserName;
    if (will === undefined) return undefined;
    const size = Buffer.byteLength(will.payload);
    if (size > willBytes && !this.#tolerates.has("will-unbounded")) return notAuthorized;
    const isAllowed = this.isTopic(will.topic) && matches(this.#publish, will.topic);
    if (this.isTopic(will.topic) && (isAllowed || this.#tolerates.has("will-not-authorized")))
      return undefined;
    return notAuthorized;
  }

  #mayUseClientId(clientId: string): boolean {
    const { id } = this.principal;
    const plain = this.#tolerates.has("nul-in-client-id") ? clientId.replaceAll("\0", "") : clientId;
    const isLong = plain.length > clientIdBytes && !this.#tolerates.has("client-id-unbounded");
    if (plain === "" || isLong) return false;
    if (this.#tolerates.has("client-id-in-template") && /^[+#]$/.test(plain)) return true;
    const isPlain = this.#tolerates.has("client-id-normalized")
      ? /^[A-Za-z0-9._:/%-]+$/.test(plain)
      : /^[A-Za-z0-9._:/-]+$/.test(plain);
    if (!isPlain) return false;
    if (this.#tolerates.has("foreign-client-id") || this.#tolerates.has("identity-from-client-id"))
      return true;
    if (this.#tolerates.has("client-id-normalized") && plain.startsWith(`${id}%`)) return true;
    return plain === id || plain.startsWith(`${id}/`);
  }

  /** Is it a topic name at all? What is not closes the connection. */
  isTopic(topic: string): boolean {
    // [MQTT-1.5.3-2]: no U+0000. [MQTT-1.5.3-1]: no ill-formed UTF-8, which is read as U+FFFD.
    if (topic.includes("\0") && !this.#tolerates.has("nul-in-topic")) return false;
    if (topic.includes("\ufffd") && !this.#tolerates.has("ill-formed-utf8")) return false;
    // [MQTT-3.3.2-2]: no wildcards.
    return topic !== "" && (!/[+#]/.test(topic) || this.#tolerates.has("wildcard-in-topic-name"));
  }

  mayPublish({ topic, retain, properties }: IPublishPacket): boolean {
    const response = properties?.responseTopic;
    if (response !== undefined && !this.#tolerates.has("response-topic-not-authorized")) {
      if (!contains(this.#subscribe, response)) return false;
    }
    if (this.#tolerates.has("publish-not-authorized")) return true;
    if (retain && this.#tolerates.has("retained-publish-not-authorized")) return true;
    return matches(this.#publish, topic);
  }

  /** `at`: its place in the SUBSCRIBE, from 0. */
  maySubscribe(filter: string, at: number): boolean {
    if (filter.startsWith("$share/")) return this.#tolerates.has("shared-filter-not-authorized");
    if (!isFilter(filter)) return false;
    if (this.principal.kind === "operator" && contains("$SYS/#", filter)) return true;
    if (filter.startsWith("$SYS/")) return this.#tolerates.has("sys-readable");
    if (at > 0 && this.#tolerates.has("only-first-filter-authorized")) return true;
    if (contains(this.#subscribe, filter)) return true;
    if (filter.includes("#")) return this.#tolerates.has("hash-not-authorized");
    if (filter.includes("+")) return this.#tolerates.has("plus-not-authorized");
    return this.#tolerates.has("subscribe-not-authorized");
  }
}
