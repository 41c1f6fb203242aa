import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { nameCheckFor } from "../../../device-client/gateway-check.ts";
import { mintPki } from "../../support/minted-pki.ts";

test("Node's own name check is made for serverName, whatever the host that was dialled", async () => {
  const { gateway } = await mintPki();
  const shown = new X509Certificate(gateway.pem).toLegacyObject();
  expect(nameCheckFor("gateway.test")("10.0.0.1", shown)).toBeUndefined();
  expect(nameCheckFor("other.test")("gateway.test", shown)).toMatchObject({
    code: "ERR_TLS_CERT_ALTNAME_INVALID",
  });
});
