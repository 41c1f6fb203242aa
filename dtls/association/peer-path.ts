import { timingSafeEqual } from "node:crypto";
import { decode, encode } from "../wire/presentation.ts";
import { ReturnRoutabilityMessageType } from "../wire/registry.ts";
import { ReturnRoutabilityCheck } from "../wire/return-routability.ts";
import type { DiscardReason } from "./outputs.ts";
import type { Address, Environment } from "./settings.ts";

/** What the path needs of its association. */
export interface PathHost {
  readonly environment: Environment;
  /** What a record adds to its content, in bytes. */
  readonly overhead: number;
  /** Seals a return_routability_check message and sends it to `to`. */
  sendCheck(message: Uint8Array, to: Address): void;
  onMoved(from: Address, to: Address): void;
  discard(reason: DiscardReason, bytes: number): void;
}

/** RFC 9853 §6: how long a challenge waits for its answer, in milliseconds, where the round trip is not known. */
const challengeMs = 1_000;
/** RFC 9853 §6: more than one may be sent, for each may be lost. */
const mostChallenges = 3;
/** RFC 9146 §6, after QUIC (RFC 9000 §8.1): how much may be sent to an address that proved nothing, per byte from it. */
const amplification = 3;

/** An address that the peer was heard from and that has not answered yet. */
interface Candidate {
  readonly address: Address;
  /** Bytes that may still be sent to it. */
  allowance: number;
  /** Fresh for each challenge (RFC 9853 §5); any of them proves the path. */
  readonly cookies: Uint8Array[];
  retryAt: number;
}

/**
 * Where the peer is. RFC 9146 §6: it is only moved by a record that verified, is newer than every one before it, and
 * where the strategy agrees. The strategy: the newest address is answered, with no more than three times what came
 * from it. With return routability check (RFC 9853 §4) it is challenged, and either proves itself or is given up for
 * the one before; without, the peer counts as moved, and the bound stays.
 */
export class PeerPath {
  readonly #host: PathHost;
  readonly #checks: boolean;
  #address: Address;
  #candidate: Candidate | undefined;
  /** Bytes that may still be sent to `#address`; undefined: it has proved itself. */
  #allowance: number | undefined;

  constructor(host: PathHost, address: Address, checks: boolean) {
    this.#host = host;
    this.#address = address;
    this.#checks = checks;
  }

  /** When `onTimeout` has something to do. */
  get deadline(): number | undefined {
    return this.#candidate?.retryAt;
  }

  /** A record from `from` has verified, in a datagram of `bytes`. */
  onRecord(from: Address, isNewest: boolean, bytes: number): void {
    if (sameAddress(from, this.#address)) {
      if (this.#allowance !== undefined) this.#allowance += amplification * bytes;
      // The peer is where it was: somebody else sent its record from the other address, or it moved back.
      if (isNewest) this.#candidate = undefined;
    } else if (this.#candidate !== undefined && sameAddress(from, this.#candidate.address)) {
      this.#candidate.allowance += amplification * bytes;
    } else if (isNewest && this.#checks) {
      this.#candidate = { address: from, allowance: amplification * bytes, cookies: [], retryAt: 0 };
      this.#challenge(this.#candidate);
    } else if (isNewest) {
      this.#allowance = amplification * bytes;
      this.#move(from);
    }
  }

  /** Where a datagram of so many bytes may go; undefined: nowhere, for the peer's address proved nothing. */
  addressFor(bytes: number): Address | undefined {
    const candidate = this.#candidate;
    if (candidate !== undefined && bytes <= candidate.allowance) {
      candidate.allowance -= bytes;
      return candidate.address;
    }
    if (this.#allowance === undefined) return this.#address;
    if (bytes > this.#allowance) return undefined;
    this.#allowance -= bytes;
    return this.#address;
  }

  onCheck(message: Uint8Array, from: Address): void {
    let check: ReturnRoutabilityCheck;
    try {
      check = decode("ReturnRoutabilityCheck", ReturnRoutabilityCheck, message);
    } catch {
      // RFC 9853 §5: a message that cannot be read is discarded in silence.
      this.#host.discard("malformed_return_routability_message", message.length);
      return;
    }
    const { msgType, cookie } = check;
    if (msgType === ReturnRoutabilityMessageType.path_challenge) {
      // RFC 9853 §6: one answer at once for each challenge, to the address that it came from.
      const answer = { msgType: ReturnRoutabilityMessageType.path_response, cookie };
      this.#host.sendCheck(encode(ReturnRoutabilityCheck, answer), from);
    } else if (msgType === ReturnRoutabilityMessageType.path_response && this.#proves(cookie, from)) {
      this.#candidate = undefined;
      this.#allowance = undefined;
      this.#move(from);
    } else {
      this.#host.discard("unexpected_return_routability_message", message.length);
    }
  }

  onTimeout(): void {
    const candidate = this.#candidate;
    if (candidate === undefined || this.#host.environment.now() < candidate.retryAt) return;
    // RFC 9853 §4: an address that does not answer is not used.
    if (candidate.cookies.length >= mostChallenges) this.#candidate = undefined;
    else this.#challenge(candidate);
  }

  #challenge(candidate: Candidate): void {
    const { environment } = this.#host;
    const cookie = environment.random(8);
    candidate.cookies.push(cookie);
    candidate.retryAt = environment.now() + challengeMs;
    const msgType = ReturnRoutabilityMessageType.path_challenge;
    const challenge = encode(ReturnRoutabilityCheck, { msgType, cookie });
    const bytes = challenge.length + this.#host.overhead;
    // The bound holds for challenges too; the time goes on without this one.
    if (bytes > candidate.allowance) return;
    candidate.allowance -= bytes;
    this.#host.sendCheck(challenge, candidate.address);
  }

  #proves(cookie: Uint8Array, from: Address): boolean {
    if (this.#candidate === undefined || !sameAddress(from, this.#candidate.address)) return false;
    return this.#candidate.cookies.some((sent) => timingSafeEqual(sent, cookie));
  }

  #move(to: Address): void {
    const from = this.#address;
    this.#address = to;
    this.#host.onMoved(from, to);
  }
}

function sameAddress(a: Address, b: Address): boolean {
  return a.port === b.port && a.address === b.address;
}
