// Writing one's name.
export default {
  "name.title": "Write my name",
  "name.typed": "Name",
  "name.typed.hint": "In Latin or in Devanagari letters.",
  "name.devanagari": "In Devanagari",
  "name.devanagari.hint": "Latin letters leave open which vowels are long. Correct it here.",
  "name.empty": "Type a name to see it in Ranjana.",
  "name.tooLong": "A name here has at most {count} characters.",
  "name.unknown":
    "Ranjana has no letter for “{signs}”: type the name in Latin or in Devanagari letters.",
  "name.letters": "Letters of the name",
  "name.tile": "Write {letter}",
  "name.tile.written": "{letter}, written",
  "name.pad": "Write {letter} here",
  "name.trace": "Trace {letter}.",
  "name.written": "You wrote {letter}.",
  "name.practise": "Practise {name}",
  "name.paper": "Print a sheet of its letters",
  "name.font": "Font: a part of Nithya Ranjana by Ek Type.",
  "name.done": "Your name, as you wrote it",
  "name.picture": "{name} in Ranjana, written by hand",
};
