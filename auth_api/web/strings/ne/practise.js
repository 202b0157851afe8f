// Practising, in Nepali.
export default {
  "practise.title": "अभ्यास",
};
