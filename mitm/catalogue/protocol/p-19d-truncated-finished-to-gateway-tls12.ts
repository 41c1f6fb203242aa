import { badFinishedToGateway } from "./bad-finished.ts";

export default badFinishedToGateway("P-19d", "TLS 1.2", "truncated");
