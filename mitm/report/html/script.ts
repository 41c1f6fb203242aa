/**
 * Narrows the list of cases down, opens a case that a link leads to, and opens what is folded for the printer. The page needs none
 * of it: without, the controls stay hidden.
 */
export const script = `
"use strict";
const all = (selector) => [...document.querySelectorAll(selector)];
const form = document.getElementById("filter");
const cases = all("details.case");
const shown = document.getElementById("shown");
const narrow = () => {
  const words = form.elements.text.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const wanted = ["verdict", "side", "transport"].map((name) => [name, form.elements[name].value]);
  let count = 0;
  for (const one of cases) {
    const fits = wanted.every(([name, value]) => value === "" || one.dataset[name] === value) &&
      words.every((word) => one.dataset.text.includes(word));
    one.hidden = !fits;
    if (fits) count += 1;
  }
  shown.textContent = count === cases.length ? cases.length + " cases" : count + " of " + cases.length + " cases";
};
const follow = () => {
  const one = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!one || !one.matches("details.case")) return;
  if (one.hidden) { form.reset(); narrow(); }
  one.open = true;
  one.scrollIntoView();
};
form.hidden = false;
form.addEventListener("input", narrow);
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("reset", () => queueMicrotask(narrow));
document.getElementById("open-all").addEventListener("click", () => {
  const some = cases.some((one) => !one.hidden && !one.open);
  for (const one of cases) if (!one.hidden) one.open = some;
});
addEventListener("hashchange", follow);
addEventListener("beforeprint", () => { for (const one of all("details:not(.case)")) one.open = true; });
narrow();
follow();
`;
