import type { Answer } from "../../../dtls/association/outputs.ts";
import type { ClientSettings, ServerSettings } from "../../../dtls/association/settings.ts";
import type { ClientState } from "../../../dtls/handshake/client-state.ts";
import { firstClientState, stepClient } from "../../../dtls/handshake/client12.ts";
import type { ServerState } from "../../../dtls/handshake/server-state.ts";
import { firstServerState, type ServerContext, stepServer } from "../../../dtls/handshake/server12.ts";
import type { Action, HandshakeMessage, Step } from "../../../dtls/handshake/step.ts";
import type { Credential } from "../../../dtls/signer.ts";
import {
  type ClientExtensions,
  readServerExtensions,
  type ServerExtensions,
  writeClientExtensions,
  writeServerExtensions,
} from "../../../dtls/wire/extensions.ts";
import { ClientHello, ServerHello } from "../../../dtls/wire/hello.ts";
import { decode, encode } from "../../../dtls/wire/presentation.ts";
import { HandshakeType, NamedGroup, ProtocolVersion, SignatureScheme } from "../../../dtls/wire/registry.ts";
import { Prng } from "../../../mitm/prng.ts";
import { FakeEnvironment } from "./environment.ts";
import { signNow } from "./key-exchange.ts";
import { clientSettings, serverSettings } from "./settings.ts";

const address = { address: "192.0.2.9", port: 4000 };

function environment(): FakeEnvironment {
  return new FakeEnvironment({ now: () => 0, prng: new Prng(1), keyShares: "pooled" });
}

/** What a ClientHello of an ordinary client says. */
const ordinary = {
  supportedGroups: [NamedGroup.x25519, NamedGroup.secp256r1],
  ecPointFormats: [0],
  signatureAlgorithms: Object.values(SignatureScheme),
  extendedMasterSecret: true,
  renegotiationInfo: new Uint8Array(),
} as const satisfies ClientExtensions;

export interface HelloOptions {
  readonly cipherSuites: readonly number[];
  readonly extensions?: ClientExtensions;
  readonly noExtensions?: boolean;
  readonly over?: Partial<ClientHello>;
}

export function clientHello({
  cipherSuites,
  extensions,
  noExtensions,
  over,
}: HelloOptions): HandshakeMessage {
  const body = encode(ClientHello, {
    clientVersion: ProtocolVersion.DTLS_1_2,
    random: new Uint8Array(32).fill(7),
    sessionId: new Uint8Array(),
    cookie: new Uint8Array(),
    cipherSuites: [...cipherSuites],
    compressionMethods: [0],
    extensions: noExtensions === true ? undefined : writeClientExtensions({ ...ordinary, ...extensions }),
    ...over,
  });
  return { msgType: HandshakeType.client_hello, messageSeq: 0, body };
}

/** What the server made of a ClientHello: its ServerHello, or the error's code. */
export interface Negotiated {
  readonly hello: ServerHello;
  readonly extensions: ServerExtensions;
  readonly state: ServerState;
  readonly messages: readonly { readonly msgType: number; readonly body: Uint8Array }[];
}

export function serverContext(settings: Partial<ServerSettings> = {}): ServerContext {
  return { settings: serverSettings(settings), environment: environment(), address };
}

/** Steps a server from a ClientHello to its first flight, answering with `credential`. @throws DtlsError */
export function negotiate(
  settings: Partial<ServerSettings>,
  hello: HelloOptions,
  credential: Credential | undefined,
): Negotiated {
  const context = serverContext(settings);
  let step: Step<ServerState> = stepServer(
    firstServerState(0),
    { type: "message", message: clientHello(hello) },
    context,
  );
  for (;;) {
    const send = step.actions.find((action) => action.do === "send");
    if (send?.do === "send") return flightOf(step, send, hello);
    step = stepServer(step.state, { type: "answer", answer: answerTo(step.actions, credential) }, context);
  }
}

function answerTo(actions: readonly Action[], credential: Credential | undefined): Answer {
  for (const action of actions) {
    if (action.do !== "ask") continue;
    const { question } = action;
    if (question.kind === "credential") {
      const fits = credential !== undefined && question.certificateTypes.includes(credential.certificateType);
      return { kind: "credential", credential: fits ? credential : undefined };
    }
    if (question.kind === "sign") {
      return { kind: "sign", signature: signNow(question.credential, question.bytes, question.scheme) };
    }
    if (question.kind === "session") return { kind: "session", session: undefined };
  }
  throw new Error("nothing was asked and nothing was sent");
}

function flightOf(step: Step<ServerState>, send: Action & { do: "send" }, sent: HelloOptions): Negotiated {
  const messages = send.flight.items.flatMap((item) =>
    item.type === "message" ? [{ msgType: item.bytes[0] ?? 0, body: item.bytes.subarray(12) }] : [],
  );
  const hello = decode("ServerHello", ServerHello, messages[0]?.body ?? new Uint8Array());
  const offered = sent.noExtensions === true ? {} : { ...ordinary, ...sent.extensions };
  const extensions = readServerExtensions(hello.extensions, offered, true);
  return { hello, extensions, state: step.state, messages };
}

export interface AnsweringServerHello {
  readonly over?: Partial<ServerHello>;
  readonly extensions?: ServerExtensions;
}

/** Steps a client from its start over a ServerHello of the test's own. @throws DtlsError */
export function answerClient(
  settings: Partial<ClientSettings>,
  { over, extensions }: AnsweringServerHello,
): Step<ClientState> {
  const context = { settings: clientSettings(settings), environment: environment(), address };
  const started = stepClient(firstClientState, { type: "start" }, context);
  const body = encode(ServerHello, {
    serverVersion: ProtocolVersion.DTLS_1_2,
    random: new Uint8Array(32).fill(9),
    sessionId: new Uint8Array(),
    cipherSuite: context.settings.cipherSuites[0]?.id ?? 0,
    compressionMethod: 0,
    extensions: writeServerExtensions({ extendedMasterSecret: true, ...extensions }),
    ...over,
  });
  const message = { msgType: HandshakeType.server_hello, messageSeq: 0, body };
  return stepClient(started.state, { type: "message", message }, context);
}
