/**
 * @file The front page is live itself: it shows its connection, and how many people are in an application right now.
 */
import { Comet } from "/comet.js";
import { showConnection } from "/shared/connection.js";
import { Numbered } from "/shared/numbered.js";

const comet = new Comet("/cometd");
showConnection(comet, /** @type {HTMLElement} */ (document.getElementById("connection")));
countChat(/** @type {HTMLElement} */ (document.getElementById("chat-now")));
addEventListener("pagehide", (event) => {
  if (!event.persisted) comet.close();
});

/** @param {HTMLElement} place */
function countChat(place) {
  /** @type {Map<string, number>} */
  let rooms = new Map();
  const draw = () => {
    const people = [...rooms.values()].reduce((sum, count) => sum + count, 0);
    place.textContent = people === 0 ? "" : people === 1 ? "One person is there now" : `${people} people are there now`;
  };
  new Numbered(comet, {
    channel: "/chat",
    ask: () => comet.call("/service/chat/rooms", {}),
    show: ({ list }) => {
      rooms = new Map(list.map((/** @type {{ name: string, people: number }} */ { name, people }) => [name, people]));
      draw();
    },
    apply: ({ room }) => {
      rooms.set(room.name, room.people);
      draw();
    },
  });
}
