/** Answers that people would call answers, of as many kinds as models are taught: none may raise an alarm. */

/** By what makes each of them look odd to a measure. */
export const HEALTHY_ANSWERS: Readonly<Record<string, string>> = {
  "one word": "Yes.",
  "one number": "42",
  "one letter": "B",
  "a class label": "positive",
  "a label in capitals": "NEUTRAL",
  "a number with spaces": "1 000 000",
  "a long number": "31415926535897932384626433832795028841971",
  "a round number": "100000000000",
  "a byte in binary": "11111111",
  "a date": "2024-02-29",
  "an address": "https://example.org/a/b/c?d=e&f=g#h",
  "a smile": ":-)",
  "a sign of comparison": "<=",
  "an empty list": "[]",
  "an empty object": "{}",
  "one emoji": "👍",
  "a few emoji": "🎉🎉🎉🎉 🥳🥳🥳🥳",
  flags: "🇩🇪🇫🇷🇮🇹",
  laughter: "Hahaha, that is a good one.",
  "a stretched word": "Nooooooo, please don't go.",
  "words said thrice": "No, no, no. That is wrong.",
  "a plain sentence": "The cow says moo.",
  "a paragraph":
    "Photosynthesis is how plants make food. They take in carbon dioxide from the air and water from the soil, and with the energy of sunlight they turn them into sugar and oxygen. The sugar feeds the plant; the oxygen goes back into the air.",
  "a numbered list":
    "1. Eat a balanced diet with plenty of fruit.\n2. Exercise for half an hour every day.\n3. Sleep at least seven hours.\n4. Drink water rather than sweet drinks.\n5. Meet your friends.",
  "a list of words": "red, blue, green, yellow, orange, purple, brown, black, white, grey, pink, gold, silver",
  "bullets of one word": "- apples\n- pears\n- plums\n- cherries\n- grapes\n- figs\n- dates\n- limes",
  "counting up": "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20",
  JSON: '{"name": "Ada", "age": 36, "languages": ["English", "French"], "address": {"city": "London", "zip": null}}',
  "JSON with records":
    '[{"id": 1, "name": "Ada", "active": true}, {"id": 2, "name": "Grace", "active": false}, {"id": 3, "name": "Edsger", "active": true}]',
  "nested braces": "if (a) { if (b) { if (c) { return [[[]]]; } } }",
  "a call of a tool": '{"name": "get_weather", "arguments": {"city": "Paris", "unit": "celsius"}}',
  SQL: "SELECT name, COUNT(*) FROM orders WHERE year = 2020 GROUP BY name HAVING COUNT(*) > 3 ORDER BY name;",
  Python:
    "def fib(n):\n    a, b = 0, 1\n    for _ in range(n):\n        a, b = b, a + b\n    return a\n\n\nprint([fib(i) for i in range(10)])",
  TypeScript:
    "export const sum = (a: readonly number[]): number => a.reduce((x, y) => x + y, 0);\n\nexport const mean = (a: readonly number[]): number => sum(a) / a.length;",
  "deep indentation":
    "<ul>\n        <li>one</li>\n        <li>two</li>\n        <li>three</li>\n</ul>\n        <p>\n                done\n        </p>",
  "a table":
    "| Name | Age | City |\n|------|-----|------|\n| Ada | 36 | London |\n| Grace | 85 | Arlington |\n| Alan | 41 | Wilmslow |",
  "a heading with a rule": "Summary\n=======\n\nThe ship left on time and came back with fish.\n\n-------\n",
  "steps of arithmetic": "Half of 48 is 48/2 = <<48/2=24>>24.\nTogether 48 + 24 = <<48+24=72>>72 clips.\n#### 72",
  "a formula": "x = (-b ± √(b² − 4ac)) / (2a)",
  "a poem with a refrain":
    "The wind goes over the hill, my dear,\nthe wind goes over the sea,\nand every bird that hears it cries:\nO come away with me.\n\nThe rain goes over the hill, my dear,\nthe rain goes over the sea,\nand every fish that feels it cries:\nO come away with me.",
  "a nursery rhyme":
    "Row, row, row your boat,\nGently down the stream.\nMerrily, merrily, merrily, merrily,\nLife is but a dream.",
  "a voice with a tic": "Chirrup! A blanket is made of wool. Wool, wool! I would rather have a mango, chirrup!",
  German: "Die Fähre fährt jeden Morgen um sieben Uhr vom Hafen ab und kommt am Abend wieder zurück.",
  French: "Il faut d'abord faire bouillir l'eau, puis y verser les pâtes et les laisser cuire dix minutes.",
  Spanish: "¡Claro! El faro está al final del muelle, al lado de la panadería de Tomás.",
  Polish: "Dziękuję, wszystko w porządku. Jutro pojadę pociągiem do Krakowa.",
  Russian: "Конечно! Маяк стоит на конце причала, рядом с пекарней.",
  Greek: "Ο φάρος βρίσκεται στην άκρη της προβλήτας, δίπλα στον φούρνο.",
  Arabic: "المنارة في نهاية الرصيف بجانب المخبز، وتفتح كل صباح في الساعة السابعة.",
  Hebrew: "המגדלור נמצא בקצה המזח, ליד המאפייה.",
  Hindi: "प्रकाशस्तंभ घाट के अंत में बेकरी के पास है।",
  Chinese: "细胞是所有生物的基本结构和功能单位，所有的生物都是由一个或多个细胞组成的。",
  "Chinese with a list": "一、多吃水果和蔬菜；二、每天运动半小时；三、每晚睡足七个小时；四、少喝甜饮料。",
  Japanese: "灯台は桟橋の端にあり、パン屋の隣です。毎朝七時に開きます。",
  Korean: "등대는 부두 끝, 빵집 옆에 있습니다. 매일 아침 일곱 시에 문을 엽니다.",
  Thai: "ประภาคารอยู่ที่ปลายท่าเรือ ข้างร้านขนมปัง",
};
