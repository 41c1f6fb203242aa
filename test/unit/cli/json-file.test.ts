import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readSettings } from "../../../cli/settings.ts";

let directory: string;
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), "sallyport-settings-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function settings(text: string) {
  const path = join(directory, "sallyport.json");
  writeFileSync(path, text);
  return readSettings(path);
}

test("sallyport.json: what is there is read, what is not is left out", () => {
  expect(settings('{ "host": "0.0.0.0", "limits": { "connections": 5 } }')).toEqual({
    host: "0.0.0.0",
    limits: { connections: 5 },
  });
  expect(readSettings(join(directory, "nothing.json"))).toEqual({});
});

test.each([
  [
    '{ "hots": "0.0.0.0" }',
    /unknown key "hots" \(known here: host, mqttPort, dtlsPort, dangerouslyAllowMissingExtendedMasterSecret, crl, limits\)/,
  ],
  ['{ "mqttPort": "8883" }', /"mqttPort" must be a whole number from 0 to 65535/],
  ['{ "mqttPort": 65536 }', /"mqttPort" must be a whole number/],
  ['{ "dtlsPort": true }', /"dtlsPort" must be a whole number from 0 to 65535/],
  [
    '{ "dangerouslyAllowMissingExtendedMasterSecret": "no" }',
    /"dangerouslyAllowMissingExtendedMasterSecret" must be true or false/,
  ],
  ['{ "host": "" }', /"host" must be a string that is not empty/],
  ['{ "limits": { "connections": -1 } }', /"limits.connections" must be a whole number/],
  ['{ "limits": [] }', /"limits" must be an object/],
  ["[]", /an object/],
  ["{ host }", /JSON/],
  ['{ "__proto__": { "host": "x" } }', /unknown key "__proto__"/],
])("sallyport.json: %s is refused, and the message names the place", (text, message) => {
  expect(() => settings(text)).toThrow(
    expect.objectContaining({ code: "CLI_SETTINGS", message: expect.stringMatching(message) }),
  );
});
