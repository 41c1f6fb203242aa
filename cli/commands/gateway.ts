import {
  type Certificate,
  type KeyAlgorithm,
  keyAlgorithms,
  parseCertificates,
  readBoundedFile,
  spkiPin,
} from "../../pki/index.ts";
import { relativeTime } from "../duration.ts";
import { CliError } from "../errors.ts";
import { issuingPassphraseOption } from "../issue-options.ts";
import { openAuthorityToSign } from "../open-authority.ts";
import { openStateDirectory } from "../state-directory.ts";
import { collectServerNames, dirOption, type Session, type VerbGroup, wholeNumber } from "../verb.ts";

interface RenewOptions {
  readonly dir: string;
  readonly gatewayName?: readonly string[];
  readonly key: KeyAlgorithm;
  readonly keepKey?: boolean;
  readonly days?: number;
  readonly issuingPassphraseFile?: string;
}

export function addGateway(program: VerbGroup): void {
  const gateway = program.group("gateway", "the gateway's own certificate: show, renew");
  gateway.verb<{ dir: string }>(
    {
      usage: "show",
      summary: "show the gateway's certificate and the pins for it",
      description:
        "Shows the gateway's names, when its certificate ends, and the pins that devices can be given.",
      examples: [
        ["gateway show", "for people"],
        ["gateway show --json | jq -r .pins.gateway", "the pin alone"],
      ],
    },
    (command) => command.addOption(dirOption()),
    async (session, options) => sayGateway(session, options.dir),
  );
  gateway.verb<RenewOptions>(
    {
      usage: "renew",
      summary: "give the gateway a new certificate",
      description:
        "Makes a new key and certificate for the gateway. A running gateway takes them up for new connections and drops " +
        "nobody. With --keep-key the key stays, and with it the pins that devices hold.",
      examples: [
        ["gateway renew", "new key, same names"],
        ["gateway renew --keep-key", "devices that pin the gateway's key notice nothing"],
        ["gateway renew --gateway-name gw.example.com --gateway-name localhost", "other names"],
      ],
    },
    (command) => {
      command
        .addOption(dirOption())
        .option(
          "--gateway-name <name>",
          "a DNS name or IP address (repeat it; default: those it has)",
          collectServerNames,
        )
        .addOption(
          command.createOption("--key <algorithm>", "the kind of key").choices(keyAlgorithms).default("p256"),
        )
        .option("--keep-key", "certify the key that is there")
        .option("--days <n>", "how long the certificate is good (default: 365)", wholeNumber(1, 3650));
      issuingPassphraseOption(command);
    },
    renew,
  );
}

async function renew(session: Session, options: RenewOptions): Promise<void> {
  using authority = await openAuthorityToSign(session, options);
  const { gatewayName: names, days: validityDays } = options;
  await authority.issueGateway({
    ...(names === undefined ? {} : { names }),
    ...(options.keepKey === true ? {} : { newKey: options.key }),
    ...(validityDays === undefined ? {} : { validityDays }),
  });
  sayGateway(session, options.dir);
}

function sayGateway({ io, out }: Session, dir: string): void {
  const files = openStateDirectory(dir);
  const [gateway, issuing] = parseCertificates(readBoundedFile(files.gatewayCertificate).toString("utf8"));
  if (gateway === undefined) {
    throw new CliError(
      "CLI_FILE_UNREADABLE",
      `${files.gatewayCertificate} holds no certificate: \`gateway renew\``,
    );
  }
  const document = {
    names: namesOf(gateway),
    notAfter: gateway.notAfter.toISOString(),
    fingerprint: gateway.fingerprint,
    pins: { gateway: spkiPin(gateway), ...(issuing && { issuing: spkiPin(issuing) }) },
  };
  out.result(document, () => {
    out.say(`names:        ${document.names.join(", ")}`);
    out.say(`ends:         ${document.notAfter}, ${relativeTime(gateway.notAfter, io.now())}`);
    out.say(`pin:          ${document.pins.gateway}`);
    if (document.pins.issuing) out.say(`issuing CA:   ${document.pins.issuing}`);
  });
}

function namesOf(certificate: Certificate): string[] {
  return (certificate.subjectAltName ?? []).flatMap((name) => {
    if (name.type === "dNSName") return [name.value];
    return name.type === "iPAddress" ? [addressText(name.value)] : [];
  });
}

function addressText(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join(".");
  const groups = Buffer.from(octets).toString("hex").match(/.{4}/g) ?? [];
  // The URL parser writes IPv6 addresses as RFC 5952 wants them.
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}
