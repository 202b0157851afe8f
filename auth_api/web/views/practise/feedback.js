// Translates the feedback of a comparison to Nepali. The service writes it in English, with a small
// vocabulary: handlers/feedback.py, writing_faults.py, position_words.py and similarity.py. The
// names of parts come from archive_scripts/letterforms/part_names.py.

import { currentLanguage } from "../../modules/strings.js";

// Words in the names of parts.
const PARTS = {
  "top bar": "शिरोरेखा",
  bar: "तेर्सो रेखा",
  slant: "छड्के रेखा",
  dot: "थोप्लो",
  bowl: "डल्लो",
  hook: "अङ्कुसे",
  loop: "घेरो",
  stem: "ठाडो रेखा",
  curve: "बाङ्गो रेखा",
  tail: "पुच्छर",
  stroke: "रेखा",
  upper: "माथिल्लो",
  middle: "बीचको",
  lower: "तल्लो",
  left: "बायाँ",
  right: "दायाँ",
  second: "दोस्रो",
  third: "तेस्रो",
  fourth: "चौथो",
};

const POSITIONS = {
  "at the upper left": "माथि बायाँतिर",
  "at the top": "माथि",
  "at the upper right": "माथि दायाँतिर",
  "on the left": "बायाँतिर",
  "in the middle": "बीचमा",
  "on the right": "दायाँतिर",
  "at the lower left": "तल बायाँतिर",
  "at the bottom": "तल",
  "at the lower right": "तल दायाँतिर",
  "to the right": "दायाँतिर",
  "to the left": "बायाँतिर",
  down: "तलतिर",
  up: "माथितिर",
  "down to the right": "तल दायाँतिर",
  "down to the left": "तल बायाँतिर",
  "up to the right": "माथि दायाँतिर",
  "up to the left": "माथि बायाँतिर",
};

// `part`, `where` and `shape` are translated. `a` and `b` are characters and stay unchanged.
const NAME = String.raw`(?<a>\S+) \([\w ]+\)`;
const positions = Object.keys(POSITIONS).sort((one, other) => other.length - one.length);
const POSITION = `(?<where>${positions.join("|")})`;
const PART = String.raw`(?<part>[a-z]+(?: [a-z]+)*?)`;

const SENTENCES = [
  [`The ${PART} is too far ${POSITION}`, ({ part, where }) => `${part} धेरै ${where} छ।`],
  [`The ${PART} is missing`, ({ part }) => `${part} छैन।`],
  [`The ${PART} is too short at both ends`, ({ part }) => `${part} दुवै छेउमा छोटो भयो।`],
  [`The ${PART} is too short ${POSITION}`, ({ part, where }) => `${part} ${where} छोटो भयो।`],
  [`The ${PART} is too long ${POSITION}`, ({ part, where }) => `${part} ${where} लामो भयो।`],
  [`The ${PART} is broken ${POSITION}`, ({ part, where }) => `${part} ${where} टुटेको छ।`],
  [
    `A piece of the ${PART} is missing ${POSITION}`,
    ({ part, where }) => `${part}को एक टुक्रा ${where} छुटेको छ।`,
  ],
  [`The ${PART} strays ${POSITION}`, ({ part, where }) => `${part} ${where} बाहिरिएको छ।`],
  [`There is an extra stroke ${POSITION}`, ({ where }) => `${where} एउटा बढी रेखा छ।`],
  [
    `Your ${NAME} differs most from the reference ${POSITION}: compare the two there`,
    ({ a, where }) => `तपाईंको “${a}” नमुनाभन्दा सबैभन्दा बढी ${where} फरक छ: त्यहाँ दुवै दाँजेर हेर्नुहोस्।`,
  ],
  ["The rest of it is in its place", () => "बाँकी सबै आफ्नो ठाउँमा छ।"],
  [
    `Everything else about your ${NAME} is in its place`,
    ({ a }) => `तपाईंको “${a}” को बाँकी सबै आफ्नो ठाउँमा छ।`,
  ],
  [
    `Well written: every part of ${NAME} is there and in its place`,
    ({ a }) => `राम्रो लेख्नुभयो: “${a}” का सबै भाग छन् र आफ्नो ठाउँमा छन्।`,
  ],
  ["Its proportions match the reference as well", () => "यसको चौडाइ र उचाइ पनि नमुनासँग मिल्छ।"],
  [
    `Your ${NAME} is a little (?<shape>narrower|wider) than the reference, and just as clear`,
    ({ a, shape }) => `तपाईंको “${a}” नमुनाभन्दा अलि ${shape} छ, तर उत्तिकै स्पष्ट छ।`,
  ],
  ["Compare it with the reference part by part", () => "यसलाई नमुनासँग एक-एक भाग गरी दाँज्नुहोस्।"],
  [
    String.raw`This looks more like ${NAME} than (?<b>\S+)`,
    ({ a, b }) => `यो “${b}” भन्दा बढी “${a}” जस्तो देखिन्छ।`,
  ],
  [
    String.raw`Only the largest character near the middle was judged, of (?<count>\d+)`,
    ({ count }) => `${count} मध्ये बीचको सबैभन्दा ठूलो अक्षर मात्र जाँचियो।`,
  ],
  [`This is hard to recognise as ${NAME}`, ({ a }) => `यसलाई “${a}” भनेर चिन्न गाह्रो छ।`],
].map(([pattern, translate]) => [new RegExp(`^${pattern}\\.$`, "u"), translate]);

const SHAPES = { narrower: "साँघुरो", wider: "फराकिलो" };
const WORDS = new RegExp(`\\b(?:${Object.keys(PARTS).join("|")})\\b`, "g");

/** A feedback sentence in the current language. An unknown sentence stays unchanged. */
export function translateFeedback(sentence) {
  if (currentLanguage() !== "ne") return sentence;
  for (const [pattern, translate] of SENTENCES) {
    const found = pattern.exec(sentence);
    if (!found) continue;
    const { part, where, shape, a, b, count } = found.groups ?? {};
    return translate({
      part: part && partName(part),
      where: POSITIONS[where],
      shape: SHAPES[shape],
      a,
      b,
      count,
    });
  }
  return sentence;
}

/** The name of a part of a character in the current language. */
export function partName(name) {
  return currentLanguage() === "ne" ? name.replace(WORDS, (word) => PARTS[word]) : name;
}
