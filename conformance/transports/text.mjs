// Texts on which encodings, proxies and parsers have fallen, and a large one. Pure, and free of imports, so that a page can be given the
// same functions.

/** What has to arrive as it is. */
export function strangeTexts() {
  return [
    "\u2028 and \u2029 end lines in old scripts",
    "a\0b\u0001c\u007f\u0085",
    "\u{1f600} \u{1f468}\u200d\u{1f469}\u200d\u{1f467} \u{10ffff}",
    "e\u0301 is not \u00e9, \ufeff is there, \u202e turns",
    "</script><!-- ]]> <script>parent.broken = 1</script> &lt;&amp;amp;",
    "\"quoted\" 'twice' \\ \\u2028 \\\" ` ${x} %00 %E2%80%A8 +",
    "\r\n\r\ndata: x\r\nid: 7\n\n\t--boundary--\r\n",
    "",
  ];
}

/** About a megabyte in which no two places look alike. */
export function largeText() {
  const parts = [];
  for (let n = 0; parts.length < 68_000; n++) parts.push(`${n} \u00e9\u4e16 \u2028`);
  return parts.join("|");
}
