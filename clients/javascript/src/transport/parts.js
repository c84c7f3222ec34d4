/**
 * @file Cuts a text that has been encoded for an address into pieces that each decode to text again.
 * Bytes of one character stay together; whoever puts the decoded pieces together has the text.
 */

/** What a piece may not begin with: a byte that continues a character. */
const CONTINUES = /^%[89AB]/;

/**
 * @param {string} encoded Made by `encodeURIComponent`.
 * @param {number} room Characters of a piece, at least twelve, which is one character of any kind.
 * @returns {string[]}
 */
export function cut(encoded, room) {
  const pieces = [];
  let start = 0;
  while (encoded.length - start > room) {
    let end = start + room;
    if (encoded[end - 1] === "%") end -= 1;
    else if (encoded[end - 2] === "%") end -= 2;
    while (CONTINUES.test(encoded.slice(end, end + 3))) end -= 3;
    pieces.push(encoded.slice(start, end));
    start = end;
  }
  pieces.push(encoded.slice(start));
  return pieces;
}
