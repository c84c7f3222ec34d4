/**
 * @file The page: finds out who you are and which room you want, puts you there, and hands on what you type. What goes on in a
 * room is `stay.js`'s business, the connection is Comet's.
 */
import { Comet } from "/comet.js";
import { showConnection } from "/shared/connection.js";
import { Log } from "./log.js";
import { People } from "./people.js";
import { RoomList, roomName } from "./rooms.js";
import { Stay } from "./stay.js";

const NAME = "chat.name";
const TYPING_AGAIN_MS = 3_000;

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @returns {T}
 */
const byId = (id) => /** @type {T} */ (document.getElementById(id));

const comet = new Comet("/cometd");
const places = {
  log: byId("log"),
  welcome: byId("welcome"),
  composer: byId("composer"),
  rename: byId("rename"),
  problem: byId("name-problem"),
  room: byId("room-name"),
};
/** @type {HTMLInputElement} */
const nameField = byId("name");
/** @type {HTMLTextAreaElement} */
const textField = byId("text");

const log = new Log(places.log, byId("newest"));
const people = new People({
  roster: byId("roster"),
  title: byId("people-title"),
  button: byId("show-people"),
  typing: byId("typing"),
});
const rooms = new RoomList(comet, byId("room-list"));

/** @type {Stay | undefined} */
let stay;
let unread = 0;
let typedAt = -TYPING_AGAIN_MS;

/** The room the address asks for. */
function wantedRoom() {
  return roomName(decode(location.hash.slice(1))) || "lobby";
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Goes to the wanted room, as whoever the name field says. */
function enter() {
  const room = wantedRoom();
  const name = nameField.value.trim();
  showRoom(room);
  if (!name) return showWelcome("");
  if (stay?.room === room && stay.name === name) return showTalk();
  stay?.end();
  if (stay?.room !== room) {
    log.clear();
    people.show([]);
  }
  stay = new Stay(comet, room, name, { log, people, joined, refused, heard, edit });
}

function joined() {
  remember(nameField.value.trim());
  showTalk();
}

/** @param {string} reason */
function refused(reason) {
  stay?.end();
  stay = undefined;
  log.clear();
  people.show([]);
  comet.publish("/service/chat/leave", {}).catch(() => {});
  showWelcome(reason);
}

function heard() {
  if (!document.hidden) return;
  unread += 1;
  showTitle();
}

/** @param {string} text */
function edit(text) {
  textField.value = textField.value ? `${text}\n${textField.value}` : text;
  fit();
  textField.focus();
}

function submit() {
  const text = textField.value;
  if (!stay || !text.trim() || stay.full) return;
  stay.say(text);
  textField.value = "";
  typedAt = -TYPING_AGAIN_MS;
  fit();
}

/** Makes the field as high as its text. */
function fit() {
  textField.style.height = "auto";
  textField.style.height = `${textField.scrollHeight + 2}px`;
}

function showTalk() {
  places.welcome.hidden = true;
  for (const place of [places.log, places.composer, places.rename]) place.hidden = false;
  fit();
  // On a touch screen focus would bring up the keyboard before anybody asked for it.
  if (matchMedia("(pointer: fine)").matches) textField.focus();
}

/** @param {string} problem */
function showWelcome(problem) {
  for (const place of [places.log, places.composer, places.rename]) place.hidden = true;
  places.welcome.hidden = false;
  places.problem.textContent = problem;
  nameField.setAttribute("aria-invalid", String(problem !== ""));
  nameField.focus();
  nameField.select();
}

/** @param {string} room */
function showRoom(room) {
  places.room.textContent = room;
  rooms.mark(room);
  showTitle();
}

function showTitle() {
  document.title = `${unread > 0 ? `(${unread}) ` : ""}#${places.room.textContent} · Chat · Comet`;
}

/** @param {string} name */
function remember(name) {
  try {
    localStorage.setItem(NAME, name);
  } catch {
    // A browser that keeps nothing asks again next time.
  }
}

function remembered() {
  try {
    return localStorage.getItem(NAME) ?? "";
  } catch {
    return "";
  }
}

/** On a narrow screen one panel at a time lies over the talk. @param {string} [open] Its id, or nothing. */
function showPanel(open) {
  for (const id of ["rooms", "people"]) {
    byId(id).classList.toggle("open", id === open);
    byId(`show-${id}`).setAttribute("aria-expanded", String(id === open));
  }
}

for (const id of ["rooms", "people"]) {
  const button = byId(`show-${id}`);
  button.addEventListener("click", () => showPanel(button.getAttribute("aria-expanded") === "true" ? undefined : id));
}
document.addEventListener("click", ({ target }) => {
  if (!(/** @type {Element} */ (target).closest(".panel, .narrow"))) showPanel();
});
document.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape") return;
  const open = document.querySelector(".narrow[aria-expanded='true']");
  showPanel();
  if (open) /** @type {HTMLElement} */ (open).focus();
  else if (!places.composer.hidden) textField.focus();
});

places.welcome.addEventListener("submit", (event) => {
  event.preventDefault();
  places.problem.textContent = "";
  enter();
});
places.composer.addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
  textField.focus();
});
textField.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
textField.addEventListener("input", () => {
  fit();
  const now = performance.now();
  const writes = textField.value.trim() !== "";
  if (writes ? now - typedAt < TYPING_AGAIN_MS : typedAt < 0) return;
  typedAt = writes ? now : -TYPING_AGAIN_MS;
  stay?.type(writes);
});
byId("new-room").addEventListener("submit", (event) => {
  event.preventDefault();
  /** @type {HTMLInputElement} */
  const field = byId("new-room-name");
  const room = roomName(field.value);
  if (room) location.hash = room;
  field.value = "";
});
places.rename.addEventListener("click", () => {
  showPanel();
  showWelcome("");
});
byId("room-list").addEventListener("click", () => showPanel());

addEventListener("hashchange", enter);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  showTitle();
});
comet.addEventListener("state", ({ detail }) => {
  if (detail === "connected") stay?.wake();
});
// A page that may come back keeps its session; one that is gone for good says so, and the roster is right at once.
addEventListener("pagehide", (event) => {
  if (!event.persisted) comet.close();
});

showConnection(comet, byId("connection"));
nameField.value = remembered();
enter();
