// Turns names in Latin letters into Devanagari, as Nepali names are commonly spelt. A spelling says
// neither long from short vowels nor t from ट, so that the commonest is taken, and the writer
// corrects it:
//
//   consonants   t, th, d, dh are dental; tt, sht, sth inside a word, and n after r or sh, are
//                retroflex. x, ksh: क्ष. gy, jn: ज्ञ. ng: ङ at the end and before consonants, else
//                ङ्ग. n is of the class of the consonant after it. v, w: व. z: ज. f: फ. c: क or च.
//   clusters     consonants without a vowel between them are a conjunct; none ends in a virama.
//   a            inherent. Long at the end after one consonant (Anita), in a word of one syllable
//                (Ram), before a last consonant as in -al, -ash, -ang (Gopal), before an a that ends
//                a word of two syllables (Maya), after gy, and in raj- (Rajesh).
//   i, u         short. i is long at the end (Joshi). Both are long before such an a (Gita, Puja).
//   ri           ृ after k and h (Kripa), रि after others.
//   ai           ाई at the end (Rai), else ै. ou, au: ौ.
//
// Very common names that are spelt otherwise are in common-names.js.

import { COMMON_NAMES } from "./common-names.js";

const CONSONANTS = new Map(
  Object.entries({
    ksh: "क्ष",
    chh: "छ",
    shth: "ष्ठ",
    sth: "ष्ठ",
    sht: "ष्ट",
    shn: "ष्ण",
    tth: "ट्ठ",
    tt: "ट्ट",
    rn: "र्ण",
    kh: "ख",
    gh: "घ",
    ch: "च",
    jh: "झ",
    th: "थ",
    dh: "ध",
    ph: "फ",
    bh: "भ",
    sh: "श",
    gy: "ज्ञ",
    jn: "ज्ञ",
    ng: "ङ",
    ck: "क",
    b: "ब",
    c: "क",
    d: "द",
    f: "फ",
    g: "ग",
    h: "ह",
    j: "ज",
    k: "क",
    l: "ल",
    m: "म",
    n: "न",
    p: "प",
    q: "क",
    r: "र",
    s: "स",
    t: "त",
    v: "व",
    w: "व",
    x: "क्ष",
    y: "य",
    z: "ज",
  }),
);

// `[letter, sign]`.
const VOWELS = new Map(
  Object.entries({
    a: ["अ", ""],
    aa: ["आ", "ा"],
    i: ["इ", "ि"],
    ee: ["ई", "ी"],
    u: ["उ", "ु"],
    oo: ["ऊ", "ू"],
    ri: ["ऋ", "ृ"],
    e: ["ए", "े"],
    ai: ["ऐ", "ै"],
    o: ["ओ", "ो"],
    au: ["औ", "ौ"],
  }),
);
const SAME_VOWEL = { ii: "ee", uu: "oo", ou: "au", ey: "e" };
const LONG = { a: "aa", i: "ee", u: "oo" };
const VIRAMA = "्";
// Before the palatals, n is ञ; before the velars, ङ.
const NASALS = [
  [/^[cj]/, "ञ"],
  [/^[kgqx]/, "ङ"],
];
const LATIN = /^[a-z]+$/;
const TOKEN =
  /(?<=[kh])ri(?![aeiou])|aa|ai|au|ou|ee|ii|oo|uu|ey$|[aeiou]|ksh|chh|shth|(?<!^)sth|sht|shn|tth|tt|rn|kh|gh|ch|jh|th|dh|ph|bh|sh|gy|jn|ng|ck|[a-z]/g;

/** A text with its Latin words in Devanagari. Everything else stays as it is. */
export function toDevanagari(text) {
  return plainLatin(text)
    .split(/([a-z]+)/)
    .map((word) => (LATIN.test(word) ? (COMMON_NAMES.get(word) ?? transliterate(word)) : word))
    .join("")
    .replace(/[0-9]/g, (digit) => String.fromCharCode(0x0966 + Number(digit)));
}

/** In lower case, long vowels doubled, other accents left out: Gītā becomes giitaa. */
function plainLatin(text) {
  return text
    .toLowerCase()
    .normalize("NFD")
    .replace(/([aiu])\u0304/g, "$1$1")
    .replace(/s[\u0301\u0323]/g, "sh")
    .replace(/[\u0300-\u036f]/g, "")
    .normalize("NFC")
    .replace(/(?<=[a-z])[.'’]/g, "")
    .replace(/(?<=[a-z])-/g, " ");
}

function transliterate(word) {
  const tokens = word.match(TOKEN).map((each) => SAME_VOWEL[each] ?? each);
  const isVowel = (token) => VOWELS.has(token);
  const syllables = tokens.filter(isVowel).length;
  let written = "";
  tokens.forEach((token, index) => {
    const [before, after] = [tokens[index - 1], tokens[index + 1]];
    if (!isVowel(token)) {
      if (before && !isVowel(before)) written += VIRAMA;
      written += consonant(token, after, isVowel(after));
      return;
    }
    const [letter, sign] = vowel(tokens, index, syllables, isVowel);
    const followsConsonant = before && !isVowel(before);
    if (followsConsonant) written += sign;
    // Between i or u and a, speakers hear y or w.
    else if (token === "a" && before === "i") written += "या";
    else if (token === "a" && before === "u") written += "वा";
    else written += letter;
  });
  return written;
}

function consonant(token, after, isBeforeVowel) {
  if (token === "ng" && isBeforeVowel) return "ङ्ग";
  if (token === "c" && /^[ei]/.test(after ?? "")) return "च";
  if (token === "n" && after && !isBeforeVowel) {
    return NASALS.find(([pattern]) => pattern.test(after))?.[1] ?? "न";
  }
  return CONSONANTS.get(token);
}

/** The letter and the sign of a vowel, long where the rules above say so. */
function vowel(tokens, index, syllables, isVowel) {
  const token = tokens[index];
  const rest = tokens.slice(index + 1);
  const isLast = rest.length === 0;
  if (token === "ai" && isLast) return ["आई", "ाई"];
  if (!(token in LONG)) return VOWELS.get(token);
  const long = VOWELS.get(LONG[token]);
  const short = VOWELS.get(token);
  const closed = rest.length === 1 && !isVowel(rest[0]);
  const beforeLastA = rest.length === 2 && !isVowel(rest[0]) && rest[1] === "a";
  if (isLast && token === "i") return long;
  if (isLast && token === "a" && tokens[index - 1] !== "gy")
    return isConjunct(tokens, index, isVowel) ? short : long;
  if (beforeLastA && syllables === 2) {
    const isShort = (token === "u" && index === 0) || (token === "i" && rest[0] === "y");
    return isShort ? short : long; // Uma, Priya
  }
  if (token !== "a") return short;
  if (tokens[index - 1] === "gy" || (/^raj/.test(tokens.join("")) && index === 1)) return long;
  if (!closed) return short;
  return syllables === 1 || /^(l|sh|ng)$/.test(rest[0]) ? long : short;
}

/** Whether more than one consonant stands before the vowel at `index`. */
function isConjunct(tokens, index, isVowel) {
  const before = tokens[index - 1];
  if (before === undefined || isVowel(before)) return false;
  const another = tokens[index - 2];
  const isPair = another !== undefined && !isVowel(another);
  return isPair || (CONSONANTS.get(before).includes(VIRAMA) && before !== "tt");
}
