// The language of the page. Its strings are in `strings/<language>/<area>.js`.

import { remember, remembered } from "./storage.js";

export const LANGUAGES = { en: "English", ne: "नेपाली" };

const tables = new Map();
const areas = new Set();
let language = "en";

/** The tag of the current language. */
export const currentLanguage = () => language;

/** Chooses the stored language, or the first of the browser's languages that is supported. */
export async function startLanguage() {
  const preferred = [
    remembered("language"),
    ...navigator.languages.map((tag) => tag.split("-")[0]),
  ];
  await useLanguage(preferred.find((tag) => tag in LANGUAGES) ?? "en");
}

/** Switches to the language `tag`. The caller renders the page again. */
export async function useLanguage(tag) {
  language = tag;
  document.documentElement.lang = tag;
  await Promise.all([...areas].map((area) => load(tag, area)));
}

/** Switches to the language `tag`, and stores the choice. */
export async function chooseLanguage(tag) {
  remember("language", tag);
  await useLanguage(tag);
}

/** Loads the strings of an area in the current language. */
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
 * The string of `key`, with each `{name}` replaced by `values[name]` and numbers formatted for the
 * language. Plural forms are an object by `Intl.PluralRules`; `values.count` chooses among them.
 * Returns the key itself if there is no string.
 */
export function t(key, values = {}) {
  let string = null;
  for (const area of areas) string ??= tables.get(`${language}/${area}`)?.[key];
  if (string === null || string === undefined) return key;
  if (typeof string === "object") {
    string = string[new Intl.PluralRules(language).select(values.count)] ?? string.other;
  }
  return string.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? number(value) : String(value);
  });
}

/** Whether `key` has a string. */
export function hasString(key) {
  return [...areas].some((area) => tables.get(`${language}/${area}`)?.[key] !== undefined);
}

/**
 * The locales for formatting, best first. English follows the browser's region. Chromium has no
 * Nepali data, so Nepali falls back to Hindi, which has the same digits and grouping.
 */
export function locales() {
  const own = navigator.languages.filter((tag) => tag.split("-")[0] === language);
  return [...own, language, ...(language === "ne" ? ["hi-u-nu-deva"] : [])];
}

// Making one takes longer than to judge a stroke.
const numberFormats = new Map();

function numberFormat(options) {
  const key = JSON.stringify([locales(), options]);
  if (!numberFormats.has(key)) numberFormats.set(key, new Intl.NumberFormat(locales(), options));
  return numberFormats.get(key);
}

/** A number, formatted for the language. */
export function number(value, options = { maximumFractionDigits: 1 }) {
  const { format } = numberFormat(options);
  const formatted = format(value);
  return formatted === format(-0) ? format(0) : formatted; // no minus sign for zero
}

/** A fraction, 0 to 1, as percent. */
export function percent(fraction, digits = 0) {
  return number(fraction, { style: "percent", maximumFractionDigits: digits });
}

/** Seconds as words: in minutes from 2 minutes on, in hours from 2 hours on. */
export function duration(seconds) {
  const [unit, size] =
    seconds < 120 ? ["second", 1] : seconds < 7200 ? ["minute", 60] : ["hour", 3600];
  return t(`duration.${unit}`, { count: Math.ceil(seconds / size) });
}

/** Date and time of an ISO 8601 string or a Date. */
export function moment(value) {
  if (browserHasLocale()) return formatDate(value, { dateStyle: "medium", timeStyle: "short" });
  const time = formatDate(value, { hour: "numeric", minute: "2-digit", hourCycle: "h23" });
  return `${day(value)}, ${time}`;
}

/** Date of an ISO 8601 string or a Date. */
export function day(value) {
  if (browserHasLocale()) return formatDate(value, { dateStyle: "medium" });
  const date = new Date(value);
  const month = t("months").split(" ")[date.getMonth()];
  return `${formatDate(value, { year: "numeric" })} ${month} ${number(date.getDate())}`;
}

/** Whether the browser can format dates in the language. */
const browserHasLocale = () => Intl.DateTimeFormat.supportedLocalesOf(language).length > 0;

const formatDate = (value, format) =>
  new Intl.DateTimeFormat(locales(), format).format(new Date(value));
