import { describe, expect, test } from "vitest";
import { catalogue } from "../../../../mitm/catalogue/index.ts";
import { type ClauseSource, clausesOf, rfcUrl } from "../../../../mitm/report/clauses.ts";

describe("clauses of the report", () => {
  test.each([
    ["RFC 5280 §6.1.3", "https://www.rfc-editor.org/rfc/rfc5280#section-6.1.3"],
    ["RFC 8446 §8", "https://www.rfc-editor.org/rfc/rfc8446#section-8"],
    ["RFC 8446 §4.1.3 and §D.4", "https://www.rfc-editor.org/rfc/rfc8446#section-4.1.3"],
    ["RFC 8446 §D.4", "https://www.rfc-editor.org/rfc/rfc8446#appendix-D.4"],
    ["RFC 6347", "https://www.rfc-editor.org/rfc/rfc6347"],
    ["MQTT 3.1.1 §5.4.2", undefined],
    ['RFC 1"><script>', "https://www.rfc-editor.org/rfc/rfc1"],
  ])("%s is a place on a page", (name, url) => {
    expect(rfcUrl(name)).toBe(url);
  });

  test.each<ClauseSource>(["cwe", "en303645", "cra"])(
    "what the catalogue names of %s is said in words",
    (source) => {
      const unknown = catalogue.flatMap(({ id, reference }) =>
        clausesOf(reference, source)
          .filter(({ text }) => text === "")
          .map(({ name }) => `${id}: ${name}`),
      );
      expect(unknown).toEqual([]);
    },
  );

  test("where the catalogue names a standard, there is a page to read it on", () => {
    const pageless = catalogue.flatMap(({ id, reference }) =>
      clausesOf(reference, "rfc")
        .filter(({ url }) => url === undefined)
        .map(({ name }) => `${id}: ${name}`),
    );
    expect(pageless).toEqual([]);
  });
});
