import { badFinishedToDevice } from "./bad-finished.ts";

export default badFinishedToDevice("P-19g", "TLS 1.2", "zeros");
