import { equal } from "node:assert/strict";
import {
  type CommonOptions,
  type ConnectOptions,
  connect,
  type DTLSEndpoint,
  type DTLSSession,
  type ListenOptions,
  listen,
  type PeerClaim,
  rawPublicKeyCredential,
} from "../../../dtls/index.ts";
import { until } from "../until.ts";
import { answerTo, getWellKnownCore, isWellKnownCore } from "./coap.ts";
import { coapAnswer } from "./libcoap.ts";
import type { Call, Peer } from "./peer.ts";

/** Long enough for a busy machine; what has to fail by itself is given less. */
const handshakeTimeout = 15_000;

/** Our server on a free port, answering in the peer's language, with all that happened to it. */
export interface OurServer extends AsyncDisposable {
  readonly endpoint: DTLSEndpoint;
  readonly port: number;
  /** Established sessions, oldest first. */
  readonly sessions: readonly DTLSSession[];
  /** Codes of the handshakes that failed, oldest first. */
  readonly refused: readonly string[];
  /** The first session, once it is there and has heard something. */
  first(): Promise<DTLSSession>;
}

export async function ourServer(
  speech: Peer["speech"],
  call: Call,
  over: Partial<ListenOptions> = {},
): Promise<OurServer> {
  const sessions: DTLSSession[] = [];
  const refused: string[] = [];
  let heard = 0;
  const onsession = (session: DTLSSession) => {
    session.on("message", (message) => {
      heard++;
      const answer = speech === "lines" ? message : answerTo(message, coapAnswer);
      if (answer !== undefined) session.send(answer);
    });
    sessions.push(session);
  };
  const endpoint = listen(onsession, {
    port: 0,
    handshakeTimeout,
    ...suiteOption(call),
    ...(call.credential === "PSK" ? serverPsk(call) : shown(call, "server")),
    ...over,
  });
  endpoint.on("refused", ({ error }) => refused.push(error.code));
  await endpoint.ready;
  const { address } = endpoint;
  if (address === undefined) throw new Error("unreachable: it is ready");
  return {
    endpoint,
    port: address.port,
    sessions,
    refused,
    async first() {
      await until("a session that heard something", () => sessions.length > 0 && heard > 0);
      const [session] = sessions;
      if (session === undefined) throw new Error("unreachable: it was there");
      return session;
    },
    async [Symbol.asyncDispose]() {
      await endpoint[Symbol.asyncDispose]();
    },
  };
}

export function ourClient(port: number, call: Call, over: Partial<ConnectOptions> = {}): DTLSSession {
  const { psk = call.credentials.psk } = call;
  return connect("127.0.0.1", port, {
    servername: "localhost",
    handshakeTimeout,
    ...suiteOption(call),
    ...(call.credential === "PSK"
      ? { psk: { identity: psk.identity, key: psk.bytes } }
      : shown(call, "device")),
    ...over,
  });
}

/** Says something over a session and waits until it is answered. */
export async function exchange(session: DTLSSession, speech: Peer["speech"]): Promise<void> {
  const said = speech === "lines" ? new TextEncoder().encode("ping\n") : getWellKnownCore();
  const answer = new Promise<Uint8Array>((resolve) => {
    session.once("message", resolve);
  });
  session.send(said);
  const heard = await withinSeconds(10, answer);
  if (speech === "lines") equal(new TextDecoder().decode(heard), "ping\n");
  else equal(isWellKnownCore(heard), true, `not the answer: ${Buffer.from(heard).toString("hex")}`);
}

/** The code of the error that a session failed with before it was open; "established" when it did not. */
export async function outcomeOf(session: DTLSSession): Promise<string> {
  try {
    await session.opened;
    return "established";
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    return String(error.code);
  }
}

function suiteOption({ suite }: Call): { ciphers?: string[] } {
  return suite === undefined ? {} : { ciphers: [suite.name] };
}

function serverPsk({ credentials, psk = credentials.psk }: Call): Pick<ListenOptions, "psk"> {
  return { psk: { [psk.identity]: psk.bytes } };
}

function shown({ credentials, credential, identity }: Call, who: "device" | "server"): CommonOptions {
  if (credential === "PSK") throw new Error("unreachable: a key is shown to nobody");
  if (credential === "raw public key") return rawKeys({ credentials }, who);
  if (identity === "none") return { ca: credentials.ca };
  const evil = who === "server" ? credentials.evilServer : credentials.evilDevice;
  const { cert, key } = identity === "evil" ? evil : credentials[who][credential];
  return { cert, key, ca: credentials.ca };
}

/** Our own key raw, and the peer's key pinned. */
function rawKeys(
  { credentials: { raw } }: Pick<Call, "credentials">,
  who: "device" | "server",
): CommonOptions {
  const pinned = raw[who === "server" ? "device" : "server"].spki;
  return {
    credentials: rawPublicKeyCredential({ key: raw[who].key }),
    peerCertificateTypes: ["RawPublicKey"],
    verifyPeer({ chain: [key] }: PeerClaim) {
      if (key === undefined || !Buffer.from(key).equals(pinned)) throw new Error("another key");
      return "pinned";
    },
  };
}

async function withinSeconds<T>(seconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(reject, seconds * 1000, new Error(`no answer within ${seconds} s`));
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
