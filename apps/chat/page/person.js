/**
 * @file How a person looks: initials on a colour that follows from the name, the same on every page.
 */

/** @typedef {{ id: number, name: string }} Person */

/**
 * @param {string} name
 * @returns {HTMLElement} A round picture; it says nothing the name beside it does not.
 */
export function avatar(name) {
  const picture = document.createElement("span");
  picture.className = "avatar";
  picture.setAttribute("aria-hidden", "true");
  picture.style.setProperty("--hue", String(hue(name)));
  picture.textContent = initials(name);
  return picture;
}

/** @param {string} name */
function initials(name) {
  const words = name.split(" ");
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : [name];
  return letters.map((word) => [...word][0].toUpperCase()).join("");
}

/** @param {string} name */
function hue(name) {
  let hash = 0;
  for (const letter of name.toLowerCase()) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
  // Neighbouring hashes land far apart on the circle.
  return Math.round((hash * 137.508) % 360);
}
