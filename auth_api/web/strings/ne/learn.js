// Recognising and practising, in Nepali.
export default {
  "recognise.title": "यो कुन अक्षर हो?",
  "recognise.pad": "यहाँ अक्षर लेख्नुहोस्",
  "recognise.model": "के चिन्ने",
  "recognise.model.ranjana": "अक्षर",
  "recognise.model.digits": "पश्चिमी अङ्क 0-9",
  "recognise.model.version": "मोडेल {name}, संस्करण {version} ले पढेको।",
  "recognise.hint.ranjana":
    "रञ्जनाका ६२ अक्षर (व्यञ्जन, स्वर र अङ्क) मध्ये एउटा औंला, कलम वा माउसले लेख्नुहोस्। तपाईं रोकिनेबित्तिकै पढिन्छ।",
  "recognise.hint.digits":
    "0 देखि 9 सम्मको एउटा पश्चिमी अङ्क लेख्नुहोस्। तपाईं रोकिनेबित्तिकै पढिन्छ। रञ्जना अङ्क “अक्षर” मा पढिन्छन्; देवनागरी अङ्क पढिँदैनन्।",
  "recognise.drop": "तस्बिर यस पृष्ठमा जहाँ पनि तानेर छोड्न वा टाँस्न सकिन्छ, एकैचोटि धेरै पनि।",
  "recognise.top": "सबैभन्दा सम्भावित पाँच",
  "recognise.compare": "नमुनासँग तुलना गर्नुहोस्",
  "recognise.notIsolated":
    "एउटै अक्षर छुट्टिएन, त्यसैले पूरै तस्बिर पढियो। बढी उज्यालो वा नजिकको तस्बिरले मद्दत गर्छ।",
  "recognise.others": {
    one: "अर्को एउटा अक्षर पनि देखियो: दुवै देखाउनुहोस्",
    other: "अरू {count} अक्षर पनि देखिए: सबै देखाउनुहोस्",
  },
  "recognise.characters": { one: "{count} अक्षर", other: "{count} अक्षर" },
  "recognise.choose": "तस्बिरमा एउटा अक्षर छान्नुहोस्।",
  "recognise.place": "{count} मध्ये {number}",
  "recognise.seen": "मोडेलले के देख्यो",
  "recognise.yours": "तपाईंको तस्बिर",
  "recognise.ink": "तस्बिरमा भेटिएको मसी",

  "sure.very": "एकदम पक्का",
  "sure.quite": "धेरै हदसम्म पक्का",
  "sure.little": "पक्का छैन",

  "feedback.isRight": "यो ठीक हो",
  "feedback.isWrong": "यो गलत हो",
  "feedback.which": "कुन अक्षर हो?",
  "feedback.right": "धन्यवाद। थाहा पाएर खुसी लाग्यो।",
  "feedback.thanks": "धन्यवाद: के हुनुपर्थ्यो भनी टिपियो।",
  "feedback.signIn": "गरेर यो राख्नुहोस्, र गलत भए भन्नुहोस्।",

  "several.title": { one: "{count} तस्बिर", other: "{count} तस्बिर" },
  "several.progress": "पढिएका तस्बिर",

  "pictures.choose": "तस्बिरहरू छान्नुहोस्",
  "pictures.chooseOne": "तस्बिर छान्नुहोस्",
  "pictures.camera": "क्यामेरा",
  "pictures.none": "यो तस्बिर होइन। JPEG, PNG, WebP, HEIC, AVIF, BMP र GIF पढिन्छ।",
  "camera.title": "अक्षरको तस्बिर खिच्नुहोस्",
  "camera.view": "क्यामेराले देखेको",
  "camera.take": "तस्बिर खिच्नुहोस्",
  "camera.refused": "यहाँ क्यामेरा चलाउन मिलेन। बरु तस्बिर छान्नुहोस्।",

  "pad.kind": "लेख्ने ठाउँ",
  "pad.keys":
    "तीर कुञ्जीले कलम सार्छ, Shift सँग थोरै-थोरै। Space ले कलम राख्छ र उठाउँछ। Control Z ले एक रेखा मेटाउँछ, Control Y ले फिर्ता ल्याउँछ, Delete ले सबै मेटाउँछ।",
  "pad.tools": "लेखाइ",
  "pad.pen": "कलम",
  "pad.pen.kind": "कलमको प्रकार",
  "pad.pen.nib": "निब",
  "pad.pen.round": "गोलो",
  "pad.pen.width": "मोटाइ",
  "pad.pen.angle": "कोण",
  "pad.degrees": "{count}°",
  "pad.lines": "सहायक रेखा",
  "pad.leftHanded": "म बायाँ हातले लेख्छु",
  "pad.undo": "फिर्ता",
  "pad.redo": "फेरि",
  "pad.clear": "मेटाउने",
  "pad.tooMuch": "एउटा अक्षरका लागि यो धेरै भयो: बढीमा {strokes} रेखा र हरेकमा {points} बिन्दु पढिन्छ।",
};
