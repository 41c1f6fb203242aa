import { legacyServerHello } from "./legacy-server-hello.ts";

export default legacyServerHello({ id: "P-02c", name: "TLS 1.0", version: 0x0301, rfc: ["RFC 8996 §4"] });
