import {
  type DeviceError,
  type DeviceIdentity,
  identityFromSigner,
  openDtlsSession,
  openSession,
} from "../../device-client/index.ts";
import type {
  Address,
  DeviceAttempt,
  DeviceTarget,
  DialOptions,
  LabPki,
  Transport,
} from "../../mitm/index.ts";
import { encodePem, KeySigner, parseCertificateList } from "../../pki/index.ts";

/** The name that the device knows its gateway by: labels enough for a wildcard to go wrong in each of them. */
const serverName = "gateway.site.lab.test";

/** As in the field, but for how long a lab would wait: a device there comes back within a minute, here at once. */
const pace = {
  connectTimeoutMs: 5_000,
  reconnect: { minMs: 20, maxMs: 60 },
} as const;

/** Our own device client, as it would be set up for a gateway of this CA: with pins, and revocation lists required. */
export async function ownDevice(pki: LabPki): Promise<DeviceTarget> {
  const { key, chain } = await pki.device("pump-1");
  const identity = identityFromSigner(new KeySigner(key), {
    certificate: chain.map((der) => encodePem("CERTIFICATE", der)).join(""),
    ca: pki.anchorsPem,
  });
  const pins = await pki.pins();
  return {
    name: "sallyport device client",
    transports: ["tls", "dtls"],
    serverNames: [serverName],
    dial: async (transport, to, options = {}) => dial(identity, pins, transport, to, options),
    takesRevocationLists: true,
    knowsRevocation: true,
    pins: true,
    pinnedKeys: pins,
  };
}

function dial(
  identity: DeviceIdentity,
  pins: readonly string[],
  transport: Transport,
  { host, port }: Address,
  { revocationLists, keepsTrying = false }: DialOptions,
): DeviceAttempt {
  const common = {
    ...pace,
    identity,
    gateway: { host, port, serverName },
    pins,
    ...(revocationLists !== undefined && {
      crls: revocationLists.map((der) => parseCertificateList(der)),
      revocation: "require" as const,
    }),
  };
  if (transport === "tls") return attempt(openSession({ ...common, cleanSession: true }), keepsTrying);
  const session = openDtlsSession(common);
  // A device of the field that reports a reading as soon as it can.
  session.on("connected", () => session.send("21.5"));
  return attempt(session, keepsTrying);
}

/** What the sessions of both transports have in common. */
interface Session {
  on(event: "connected" | "closed", listener: () => void): void;
  on(event: "reconnecting", listener: (event: { readonly reason: DeviceError }) => void): void;
  close(): Promise<void>;
}

function attempt(session: Session, keepsTrying: boolean): DeviceAttempt {
  let opened = false;
  let error: string | undefined;
  const ended = Promise.withResolvers<{ opened: boolean; error?: string | undefined }>();
  session.on("connected", () => {
    opened = true;
  });
  session.on("reconnecting", ({ reason }) => {
    error = `${reason.code}: ${reason.message}`;
    if (!keepsTrying) void session.close();
  });
  session.on("closed", () => ended.resolve({ opened, error }));
  return { ended: ended.promise, close: () => session.close() };
}
