// Practising.
export default {
  "practise.title": "Practise",
};
