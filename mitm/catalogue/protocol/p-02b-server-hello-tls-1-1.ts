import { legacyServerHello } from "./legacy-server-hello.ts";

export default legacyServerHello({ id: "P-02b", name: "TLS 1.1", version: 0x0302, rfc: ["RFC 8996 §5"] });
