import { existsSync } from "node:fs";
import {
  type Certificate,
  decodePem,
  PkiError,
  parseCertificateList,
  parseCertificates,
  readBoundedFile,
  readPrivateKeyFile,
} from "../../pki/index.ts";
import { relativeTime, shortTime } from "../duration.ts";
import type { StateFiles } from "../state-directory.ts";
import type { Finding } from "./examine.ts";
import { belongs } from "./keys.ts";

const dayMs = 24 * 60 * 60 * 1000;

export function examineRootCertificate(files: StateFiles, now: Date): Finding[] {
  return examineOne("root", files.ca, 365, now, "make a new PKI in time: devices must get the new ca.pem");
}

export function examineIssuingCertificate(files: StateFiles, now: Date): Finding[] {
  return examineOne(
    "issuing",
    files.issuingCertificate,
    120,
    now,
    "`sallyport issuing renew`, with the root key",
  );
}

export function examineGatewayCertificate(files: StateFiles, now: Date): Finding[] {
  return examineOne("gateway", files.gatewayCertificate, 30, now, "`sallyport gateway renew`");
}

/** A CRL matters to other programs only: the gateway asks the inventory. */
export function examineCrl(files: StateFiles, now: Date): Finding[] {
  const next = "`sallyport crl` makes fresh ones";
  if (!existsSync(files.crl)) {
    return [{ level: "warning", check: "crl", message: "there is no revocation list", next }];
  }
  const lists = decodePem(readBoundedFile(files.crl).toString("utf8"), "X509 CRL").map(({ der }) =>
    parseCertificateList(der),
  );
  return lists.map((list): Finding => {
    const { nextUpdate } = list;
    const whose = `the revocation list of ${list.issuer.toString()}`;
    if (nextUpdate === undefined)
      return { level: "warning", check: "crl", message: `${whose} has no nextUpdate`, next };
    const message = `${whose}: next update due ${relativeTime(nextUpdate, now)}`;
    return nextUpdate.getTime() > now.getTime()
      ? { level: "ok", check: "crl", message }
      : { level: "warning", check: "crl", message, next };
  });
}

function examineOne(what: string, path: string, soonDays: number, now: Date, next: string): Finding[] {
  const check = `${what}-certificate`;
  const certificate = firstCertificate(path);
  const message = `the ${what} certificate ends ${relativeTime(certificate.notAfter, now)}, ${shortTime(certificate.notAfter)}`;
  const leftMs = certificate.notAfter.getTime() - now.getTime();
  if (leftMs <= 0) return [{ level: "error", check, message, next }];
  if (now.getTime() < certificate.notBefore.getTime()) {
    return [
      {
        level: "error",
        check: "clock",
        message: `the ${what} certificate begins in the future`,
        next: "set the clock",
      },
    ];
  }
  if (leftMs < soonDays * dayMs) return [{ level: "warning", check, message, next }];
  return [{ level: "ok", check, message }];
}

export function examineGatewayKey(files: StateFiles): Finding[] {
  if (belongs(readPrivateKeyFile(files.gatewayKey), files.gatewayCertificate)) return [];
  const message = "the gateway's key does not belong to its certificate";
  return [
    {
      level: "error",
      check: "gateway-certificate",
      message,
      next: "`sallyport gateway renew` makes a new pair",
    },
  ];
}

function firstCertificate(path: string): Certificate {
  try {
    const [certificate] = parseCertificates(readBoundedFile(path).toString("utf8"));
    if (certificate !== undefined) return certificate;
  } catch (cause) {
    if (!(cause instanceof PkiError)) throw cause;
    throw new PkiError(cause.code, `${path} holds no certificate that can be read: ${cause.message}`, {
      cause,
    });
  }
  throw new PkiError("PKI_PEM_MALFORMED", `${path} holds no certificate`);
}
