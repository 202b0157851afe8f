// What every view may say, in Nepali.
export default {
  "nav.label": "मुख्य",
  "nav.skip": "सामग्रीमा जानुहोस्",
  "nav.recognise": "चिन्नुहोस्",
  "nav.practise": "अभ्यास",
  "nav.progress": "प्रगति",
  "nav.operate": "सञ्चालन",
  "nav.language": "भाषा",
  "nav.theme": "उज्यालो वा अँध्यारो",
  "nav.signIn": "साइन इन",
  "nav.signUp": "खाता खोल्नुहोस्",

  "action.again": "फेरि प्रयास गर्नुहोस्",
  "action.cancel": "रद्द गर्नुहोस्",
  "action.close": "बन्द गर्नुहोस्",
  "action.delete": "मेटाउनुहोस्",
  "action.more": "थप देखाउनुहोस्",
  "action.save": "सुरक्षित गर्नुहोस्",
  "action.download": "डाउनलोड",

  "state.loading": "लोड हुँदैछ …",
  "state.looking": "हेर्दैछ …",
  "state.empty": "अहिलेसम्म केही छैन।",
  "state.missing": "यस्तो पृष्ठ छैन।",
  "state.notAllowed": "यो खाताका लागि होइन",
  "state.notAllowedRole": "यो पृष्ठ “{role}” र त्यसभन्दा माथिको भूमिकाका लागि हो।",

  "signInFirst.title": "कृपया साइन इन गर्नुहोस्",
  "signInFirst.why": "तपाईंले कोरेका अक्षर राखिन्छन्, र आफ्नो प्रगति देख्न सकिन्छ।",

  "role.user": "सिकारु",
  "role.analyst": "विश्लेषक",
  "role.data-scientist": "डाटा वैज्ञानिक",
  "role.ml-engineer": "एमएल इन्जिनियर",
  "role.admin": "प्रशासक",

  "connection.offline": "तपाईं अफलाइन हुनुहुन्छ। जडान फर्किनेबित्तिकै काम अघि बढ्छ।",
  "connection.busy": {
    one: "सेवा व्यस्त छ: {count} सेकेन्डमा फेरि प्रयास हुँदैछ।",
    other: "सेवा व्यस्त छ: {count} सेकेन्डमा फेरि प्रयास हुँदैछ।",
  },
  "connection.unreachable": "अहिले सेवामा पुग्न सकिएन।",

  "error.unexpected": "यहाँ केही बिग्रियो। कृपया फेरि प्रयास गर्नुहोस्।",
  "error.unreachable": "सेवामा पुग्न सकिएन। कृपया एकछिनमा फेरि प्रयास गर्नुहोस्।",
};
