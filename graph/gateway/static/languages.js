// Menus of languages: the one of a message, which shows what was detected, and the composer's.

import { element } from "./elements.js";

/**
 * Fill a menu with `first`, which stands for detection, and the languages. It is hidden where there
 * is nothing to choose.
 */
export function fillLanguages(menu, { first, chosen, chosenLabel, languages, labels }) {
  const codes = [...new Set([...languages, chosen].filter(Boolean))];
  const named = codes.map((code) => ({ code, name: labels.nameOf(code) }));
  named.sort((one, other) => one.name.localeCompare(other.name, labels.language));
  const options = named.map(({ code, name }) =>
    element("option", { value: code }, code === chosen && chosenLabel ? chosenLabel : name),
  );
  // A menu that is open in front of a person is not taken away without need.
  const shown = JSON.stringify([first, chosen, named, chosenLabel]);
  if (menu.dataset.shown === shown) return;
  menu.dataset.shown = shown;
  menu.replaceChildren(element("option", { value: "" }, first), ...options);
  menu.value = chosen;
}

/** What a message's menu shows: the language that was detected or chosen, and how sure that is. */
export function describeLanguage({ chosen, told }, isOpen, labels) {
  const detected = told.language
    ? labels.text("detected", {
        language: labels.nameOf(told.language),
        share: labels.percent(told.language_confidence ?? 1),
      })
    : labels.text(isOpen ? "detecting" : "detect");
  return {
    first: chosen ? labels.text("detect") : detected,
    chosenLabel: chosen ? labels.text("chosen", { language: labels.nameOf(chosen) }) : "",
  };
}
