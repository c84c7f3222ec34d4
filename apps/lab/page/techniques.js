/**
 * @file The techniques of the talk: what each was then, in one sentence, and how it is done now. Data only.
 * Which of them a lane can be opened for is not decided here but by what the client and the server offer.
 */

/**
 * @typedef {object} Technique
 * @property {string} name The `connectionType`, or a name of the Lab's own for what came before Comet.
 * @property {string} title
 * @property {string} then
 * @property {string} now
 * @property {string} [lacks] What to do where it could be there and is not.
 * @property {boolean} held Whether it keeps one of the six connections a browser opens to a host.
 * @property {boolean} [cookies] Whether its requests carry the page's cookies, whatever a page wishes; then it is of the same browser as others that do.
 */

/** What goes without a session: plain requests, and pictures. @type {Technique[]} */
export const CLASSIC = [
  {
    name: "page-reload",
    title: "Page reload",
    then: "The page asked for itself again every few seconds: all of it came anew, and between two loads it was blind.",
    now: "A frame with a refresh in its head. It is here to be compared with.",
    held: false,
  },
  {
    name: "ajax-polling",
    title: "Ajax polling",
    then: "Campfire asked every three seconds in 2006: no more flicker, but most answers come too late or say nothing new.",
    now: "A fetch that names the version it has, answered with 304 where there is no other.",
    held: false,
  },
  {
    name: "image-push",
    title: "Image push",
    then: "Netscape's first push, in 1995: one answer, each part a picture in place of the one before. Webcams lived on it.",
    now: "The same element and no script: the server draws each number, and the page reads the dots below it to know how late it is.",
    held: true,
  },
];

/** The transports of one and the same session. @type {Technique[]} */
export const COMET = [
  {
    name: "websocket",
    title: "WebSocket",
    then: "What the talk wished for: one connection, open both ways. It became a standard in 2011.",
    now: "Text frames, each a batch of messages. No polling, no head, no second connection.",
    held: false,
  },
  {
    name: "http-streaming",
    title: "HTTP streaming",
    then: "An answer that never ends, read by XMLHttpRequest while it grew. Half of the browsers of 2006 showed nothing before the end.",
    now: "A fetch whose body is read as a stream, one batch a line, in every browser.",
    held: true,
  },
  {
    name: "eventsource",
    title: "Server-sent events",
    then: "The streaming styles made a standard: a text format for events, and a browser that reconnects by itself.",
    now: "EventSource, opened with a ticket that is good once; it resumes by the last event's id.",
    held: true,
    cookies: true,
  },
  {
    name: "multipart",
    title: "Multipart",
    then: "Netscape's server push: each part of one answer replaced the part before, and Gecko's XMLHttpRequest fired for every part.",
    now: "A true multipart/x-mixed-replace answer, cut into its parts by a small parser.",
    held: true,
  },
  {
    name: "iframe",
    title: "Persistent frame",
    then: "The forever frame: a hidden page that never ends, each event a script tag that calls the page around it. Gmail's chat came this way.",
    now: "Script tags with a nonce that remove themselves, in a frame that is replaced before it grows.",
    held: true,
    cookies: true,
  },
  {
    name: "flash",
    title: "Flash XMLSocket",
    then: "A movie of one pixel had what the page had not: a real TCP socket, each message ended by a zero.",
    now: "The movie is played by Ruffle and its socket carried by a WebSocket.",
    lacks: "its movie and its player are made by the command “cargo xtask flash”",
    held: false,
  },
  {
    name: "long-polling",
    title: "Long polling",
    then: "Meebo and Lingr kept each request open until there was something to say. Whole answers get through every proxy.",
    now: "A fetch, held for up to 25 seconds, asked again at once; counts see to it that nothing falls between two answers.",
    held: true,
  },
  {
    name: "callback-polling",
    title: "Callback polling",
    then: "Script tags may come from other domains where XMLHttpRequest might not: the answer is a script that calls a function.",
    now: "The same, with narrow names, escaped data, and long messages in several pieces.",
    held: true,
    cookies: true,
  },
  {
    name: "polling",
    title: "Timed polling",
    then: "The comparison the talk makes: ask, and ask again, whether or not there is something.",
    now: "The same session without a held request, every three seconds; 304 where nothing came.",
    held: false,
  },
];
