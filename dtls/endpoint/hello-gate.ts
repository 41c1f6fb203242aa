import type { FirstHello } from "../association/association.ts";
import type { Address } from "../association/settings.ts";
import { DtlsError } from "../errors.ts";
import { writeMessage } from "../wire/handshake.ts";
import { type ClientHelloPrefix, HelloVerifyRequest, readClientHelloPrefix } from "../wire/hello.ts";
import { encode } from "../wire/presentation.ts";
import { writePlaintextRecord } from "../wire/record.ts";
import { ContentType, HandshakeType, ProtocolVersion } from "../wire/registry.ts";
import { type CookieSource, Cookies } from "./cookie.ts";
import { type HelloFragment, readHelloFragment } from "./prefilter.ts";
import type { EndpointDiscardReason } from "./stats.ts";

export type Verdict =
  | { readonly do: "discard"; readonly reason: EndpointDiscardReason }
  /** A HelloVerifyRequest goes back and nothing is kept. */
  | { readonly do: "verify"; readonly reply: Uint8Array; readonly random: string; readonly wrong: boolean }
  /** The client receives at its address: an association may begin. */
  | { readonly do: "admit"; readonly first: FirstHello; readonly random: string };

/**
 * RFC 6347 §4.2.1
 *     Client                                   Server
 *     ClientHello           ------>
 *                           <----- HelloVerifyRequest
 *                                  (contains cookie)
 *     ClientHello           ------>
 *     (with cookie)
 *
 * All that happens before a client has proved its address: a function of the datagram, its sender and a secret.
 * Nothing is stored, no key is made, and no more bytes go out than came in.
 */
export class HelloGate {
  readonly #cookies: Cookies;
  readonly #maxMessageBytes: number;

  constructor(source: CookieSource, maxMessageBytes: number) {
    this.#cookies = new Cookies(source);
    this.#maxMessageBytes = maxMessageBytes;
  }

  judge(datagram: Uint8Array, from: Address): Verdict {
    const fragment = readHelloFragment(datagram, this.#maxMessageBytes);
    if (typeof fragment === "string") return { do: "discard", reason: fragment };
    const hello = readPrefix(fragment);
    if (typeof hello === "string") return { do: "discard", reason: hello };
    const random = randomOf(hello);
    const { recordSequence, messageSeq } = fragment;
    if (this.#cookies.check(from, hello)) {
      return { do: "admit", first: { recordSequence, messageSeq }, random };
    }
    // RFC 6347 §4.2.1: an invalid cookie is treated as none; there is no alert for it.
    const reply = writeHelloVerifyRequest(fragment, this.#cookies.make(from, hello));
    return { do: "verify", reply, random, wrong: hello.cookie.length > 0 };
  }
}

/** The client's random of a ClientHello, which tells a retransmission from a new attempt. */
function randomOf(hello: ClientHelloPrefix): string {
  return Buffer.from(hello.random).toString("latin1");
}

function readPrefix(fragment: HelloFragment): ClientHelloPrefix | "cut_client_hello" | "not_a_client_hello" {
  try {
    return readClientHelloPrefix(fragment.body) ?? "cut_client_hello";
  } catch (error) {
    if (error instanceof DtlsError) return "not_a_client_hello";
    throw error;
  }
}

function writeHelloVerifyRequest(hello: HelloFragment, cookie: Uint8Array): Uint8Array {
  // RFC 6347 §4.2.1: server_version should be that of DTLS 1.0, whatever is going to be negotiated.
  const body = encode(HelloVerifyRequest, { serverVersion: ProtocolVersion.DTLS_1_0, cookie });
  // RFC 6347 §4.2.1, erratum 5186: record sequence number and message_seq are those of the ClientHello.
  const message = writeMessage(HandshakeType.hello_verify_request, hello.messageSeq, body);
  return writePlaintextRecord(ContentType.handshake, hello.recordSequence, message, ProtocolVersion.DTLS_1_0);
}
