import type { Suite } from "../../../dtls/crypto/suites.ts";
import { missing, type Running, start } from "../programs.ts";
import { until } from "../until.ts";
import type { CertificateKey, Credentials, PreSharedKey } from "./credentials.ts";
import type { PeerName } from "./names.ts";
import { bound } from "./ports.ts";

/** What the two sides show each other. */
export type CredentialName = CertificateKey | "raw public key" | "PSK";

export type Group = "x25519" | "secp256r1" | "secp384r1";

/** What a program is told. Left out: as the defaults of the program are. */
export interface Call {
  readonly credentials: Credentials;
  readonly credential: CredentialName;
  readonly suite?: Suite;
  /** In place of the credential's own: a certificate of the wrong CA, none, or a wrong key. */
  readonly identity?: "evil" | "none";
  readonly psk?: PreSharedKey;
  readonly group?: Group;
  /** The largest datagram that the program sends. */
  readonly mtu?: number;
  /** Flags of the program's own. */
  readonly flags?: readonly string[];
}

/** A program that speaks DTLS, as command lines. */
export interface Peer {
  readonly name: PeerName;
  /** Why it cannot run here; empty where it can. */
  readonly missing: string;
  /** What is said over DTLS: lines that are echoed, or CoAP. */
  readonly speech: "lines" | "coap";
  /** A client that says `ping` to our server on this port of 127.0.0.1. */
  client(port: number, call: Call): Running;
  /** Whether the client has heard the answer to its `ping`. */
  readonly heard: RegExp;
  /** A server on 127.0.0.1 that echoes; the port that DTLS is served on may be the one after. */
  server?(port: number, call: Call): { readonly running: Running; readonly port: number };
}

/** Why programs cannot be run, for `Peer.missing`. */
export function notInstalled(...programs: readonly string[]): string {
  const names = missing(...programs);
  return names === "" ? "" : `${names} is not installed`;
}

/** Starts a peer's client and waits until it has heard the echo; throws with its output when it ends before. */
export async function talk(peer: Peer, port: number, call: Call): Promise<Running> {
  const running = peer.client(port, call);
  await said(running, peer.heard);
  return running;
}

/** Starts a peer's server and waits until it listens; throws with its output when it ends before. */
export async function serve(
  peer: Peer,
  port: number,
  call: Call,
): Promise<{ running: Running; port: number }> {
  const serving = peer.server?.(port, call);
  if (serving === undefined) throw new Error(`${peer.name} has no server`);
  const { running } = serving;
  if (await bound(serving.port, () => hasEnded(running))) return serving;
  throw new Error(`${peer.name} did not start: ${running.output()}`);
}

/** Waits for a program to say something. */
export async function said(running: Running, what: RegExp, deadlineMs = 15_000): Promise<string> {
  const found = () => what.exec(running.output());
  try {
    await until(`the program says ${what}`, () => found() !== null || hasEnded(running), deadlineMs);
  } catch (cause) {
    throw new Error(`the program did not say ${what}, but: ${running.output()}`, { cause });
  }
  if (hasEnded(running)) await running.ended();
  const match = found();
  if (match === null) throw new Error(`the program ended without saying ${what}: ${running.output()}`);
  return match[0];
}

export function hasEnded({ child }: Running): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
}

/** Ends a program that a test has started; harmless when it has ended. */
export async function stop(running: Running): Promise<void> {
  if (!hasEnded(running)) running.child.kill("SIGKILL");
  await running.ended();
}

/** Starts a program whose first line of input is `ping`, once it has said that it is connected. */
export function startAndSay(program: string, args: readonly string[], ready: RegExp): Running {
  const running = start(program, args);
  const look = () => {
    if (!ready.test(running.output())) return;
    running.child.stdout?.off("data", look);
    running.child.stderr?.off("data", look);
    running.child.stdin?.write("ping\n");
  };
  running.child.stdout?.on("data", look);
  running.child.stderr?.on("data", look);
  return running;
}
