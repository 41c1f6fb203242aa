import { join } from "node:path";

/** The authority's files in a state directory. What else lies there (access.json, devices/) belongs to others. */
export interface Layout {
  readonly rootCertificate: string;
  /** Encrypted; may be taken away once the authority is made. */
  readonly rootKey: string;
  /** The issuing CA and what lies between it and the root. */
  readonly issuingCertificate: string;
  readonly issuingKey: string;
  /** Leaf first, then the issuing CA. */
  readonly gatewayCertificate: string;
  readonly gatewayKey: string;
  /** The gateway's next key, while its certificate is being replaced. */
  readonly gatewayNextKey: string;
  /** What everybody trusts: the root. */
  readonly anchors: string;
  readonly crl: string;
  readonly inventory: string;
}

export const fileNames = {
  rootCertificate: "root.cert.pem",
  rootKey: "root.key.pem",
  issuingCertificate: "issuing.cert.pem",
  issuingKey: "issuing.key.pem",
  gatewayCertificate: "gateway.cert.pem",
  gatewayKey: "gateway.key.pem",
  gatewayNextKey: "gateway.next.key.pem",
  anchors: "ca.pem",
  crl: "crl.pem",
  // Last: a directory that has an inventory is complete.
  inventory: "inventory.sqlite",
} as const satisfies Record<keyof Layout, string>;

export function layoutOf(directory: string): Layout {
  const at = (name: keyof Layout) => join(directory, fileNames[name]);
  return {
    rootCertificate: at("rootCertificate"),
    rootKey: at("rootKey"),
    issuingCertificate: at("issuingCertificate"),
    issuingKey: at("issuingKey"),
    gatewayCertificate: at("gatewayCertificate"),
    gatewayKey: at("gatewayKey"),
    gatewayNextKey: at("gatewayNextKey"),
    anchors: at("anchors"),
    crl: at("crl"),
    inventory: at("inventory"),
  };
}
