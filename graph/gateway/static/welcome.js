// What a person sees before the first message: beginnings in the languages that the server knows.

import { element } from "./elements.js";

const BEGINNINGS = {
  ar: "اقترح عليّ كتابًا لهذا الأسبوع.",
  de: "Erzähl mir etwas über das Meer.",
  en: "Tell me something about cats.",
  es: "Recomiéndame un plato para esta noche.",
  fr: "Bonjour, parle-moi des chats.",
  it: "Consigliami un libro per il fine settimana.",
  nl: "Vertel me iets over de sterren.",
  pl: "Opowiedz mi coś o górach.",
  pt: "Fala-me um pouco sobre música.",
  ru: "Расскажи мне что-нибудь о море.",
  tr: "Bana İstanbul hakkında bir şey anlat.",
  uk: "Розкажи мені щось про зірки.",
};
const USUAL = ["en", "fr", "it"];
const MOST = 4;

/** Buttons that begin a conversation, that in the page's own language first. */
export function showExamples(languages, labels, begin) {
  const root = document.getElementById("examples");
  const known = (languages.length ? languages : USUAL).filter((code) => code in BEGINNINGS);
  known.sort((one, other) => (other === labels.language) - (one === labels.language));
  const codes = known.slice(0, MOST);
  if (root.dataset.shown === codes.join()) return;
  root.dataset.shown = codes.join();
  root.replaceChildren(
    ...codes.map((code) => {
      const text = BEGINNINGS[code];
      const button = { type: "button", lang: code, dir: "auto", onclick: () => begin(text) };
      return element("li", {}, element("button", button, text));
    }),
  );
}
