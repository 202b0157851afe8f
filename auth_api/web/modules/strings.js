// The language of the page: tables of strings in `strings/<language>/<area>.js`.

import { remember, remembered } from "./storage.js";

export const LANGUAGES = { en: "English", ne: "नेपाली" };

const tables = new Map();
const areas = new Set();
let language = "en";

/** Which language is shown. */
export const currentLanguage = () => language;

/** Chooses the remembered language, or the first of the browser's that there is. */
export async function startLanguage() {
  const wanted = [remembered("language"), ...navigator.languages.map((tag) => tag.split("-")[0])];
  await useLanguage(wanted.find((tag) => tag in LANGUAGES) ?? "en");
}

/** Shows `tag` from now on; whoever calls renders anew. */
export async function useLanguage(tag) {
  language = tag;
  document.documentElement.lang = tag;
  await Promise.all([...areas].map((area) => load(tag, area)));
}

/** The same, and remembers it. */
export async function chooseLanguage(tag) {
  remember("language", tag);
  await useLanguage(tag);
}

/** Has the strings of an area ready in the language that is shown. */
export async function loadStrings(area) {
  areas.add(area);
  await load(language, area);
}

async function load(tag, area) {
  const name = `${tag}/${area}`;
  if (!tables.has(name)) {
    const table = await import(`../strings/${name}.js`);
    tables.set(name, table.default);
  }
}

/**
 * The string `key` with `{name}` filled in from `values`; numbers as the language writes them.
 * A key with plural forms is an object by `Intl.PluralRules`, chosen by `values.count`.
 */
export function t(key, values = {}) {
  let found = null;
  for (const area of areas) found ??= tables.get(`${language}/${area}`)?.[key];
  if (found === null || found === undefined) return key;
  if (typeof found === "object") {
    found = found[new Intl.PluralRules(language).select(values.count)] ?? found.other;
  }
  return found.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? number(value) : String(value);
  });
}

/** Whether there is a string `key`. */
export function hasString(key) {
  return [...areas].some((area) => tables.get(`${language}/${area}`)?.[key] !== undefined);
}

/**
 * The locales to format with, the best first: English as the browser has it. Chromium has no data
 * of Nepali; Hindi has the same digits and groups them in the same way.
 */
export function locales() {
  const own = navigator.languages.filter((tag) => tag.split("-")[0] === language);
  return [...own, language, ...(language === "ne" ? ["hi-u-nu-deva"] : [])];
}

/** A number as the language writes it. */
export function number(value, options = { maximumFractionDigits: 1 }) {
  const { format } = new Intl.NumberFormat(locales(), options);
  const written = format(value);
  return written === format(-0) ? format(0) : written; // what is rounded to zero has no sign
}

/** A share, 0-1, as percent. */
export function percent(share, digits = 0) {
  return number(share, { style: "percent", maximumFractionDigits: digits });
}

/** A time to wait, in seconds, as words: minutes from two of them on, hours likewise. */
export function duration(seconds) {
  const [unit, size] =
    seconds < 120 ? ["second", 1] : seconds < 7200 ? ["minute", 60] : ["hour", 3600];
  return t(`duration.${unit}`, { count: Math.ceil(seconds / size) });
}

/** A moment (ISO-8601 or Date) as date and time of day. */
export function moment(value) {
  if (isKnown()) return dated(value, { dateStyle: "medium", timeStyle: "short" });
  const time = dated(value, { hour: "numeric", minute: "2-digit", hourCycle: "h23" });
  return `${day(value)}, ${time}`;
}

/** A day (ISO-8601 or Date). */
export function day(value) {
  if (isKnown()) return dated(value, { dateStyle: "medium" });
  const date = new Date(value);
  const month = t("months").split(" ")[date.getMonth()];
  return `${dated(value, { year: "numeric" })} ${month} ${number(date.getDate())}`;
}

/** Whether the browser itself knows how dates are written in the language. */
const isKnown = () => Intl.DateTimeFormat.supportedLocalesOf(language).length > 0;

const dated = (value, format) => new Intl.DateTimeFormat(locales(), format).format(new Date(value));
