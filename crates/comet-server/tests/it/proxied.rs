//! The program behind proxies that run the project's sample configurations: every transport passes, in order and once,
//! through restarts of the proxy and of the server, and limits count clients. The proxies are `proxied::proxy`'s;
//! what arrived is judged by the test kit.

pub(crate) mod proxy;
mod sealed;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use comet_testkit::{
    CallbackWire, Checker, ChildServer, Client, ClientSubscriber, Link, LongPollWire, Note, PATIENCE,
    ScriptedSubscriber, Seed, Socket, Subscriber, Told, Transport, WebSocket, WebSocketWire, Wire,
};
use serde_json::{Value, json};

use proxy::{Changes, Make, Proxy};

const CHANNEL: &str = "/soak/0";
/// Publications in one stretch of a run; five stretches are a thousand.
const STRETCH: u64 = 200;
/// A message's text for each of which some proxy or encoding has fallen.
const TEXT: &str = "\u{2028}\u{2029}\0\u{1f600}e\u{301}\u{feff}</script>'\"\\\r\n";

/// A server that remembers across a restart, with holds of a second, and believes a proxy on this machine.
fn server(journal: &Path) -> ChildServer {
    let path = json!(journal.join("journal"));
    let config = format!(
        "[http]\ntrusted_proxies = [\"127.0.0.1\"]\n[session]\ntimeout = \"1s\"\nmailbox_bytes = \"4MiB\"\n\
         retained_bytes = \"4MiB\"\n[journal]\npath = {path}\n[channels]\nmessages = 10000\nbytes = \"16MiB\"\n\
         durability = \"stored\"\n"
    );
    ChildServer::start(Path::new(env!("CARGO_BIN_EXE_comet")), &config)
}

/// The sample waits 60 seconds for a connect that is held for 25; here it is three for one.
fn scaled() -> Changes {
    Changes { read_timeout_seconds: Some(3), ..Changes::default() }
}

/// A listener behind a proxy, and the judge of what it sees.
struct Run {
    checker: Checker,
    publisher: Socket,
    published: u64,
}

impl Run {
    /// Publishes a stretch, straight to the server.
    fn publish(&mut self, server: SocketAddr) {
        self.publisher = Socket::connect(server);
        let notes: Vec<Note> = (0..STRETCH).map(|n| Note::new("publisher", self.published + n)).collect();
        self.published += STRETCH;
        for notes in notes.chunks(50) {
            let batch: Vec<Value> =
                notes.iter().map(|note| json!({ "channel": CHANNEL, "data": note.data() })).collect();
            notes.iter().for_each(|note| self.checker.published(CHANNEL, note));
            let body = json!({ "messages": batch }).to_string();
            self.publisher.send_post("/api/batch", "Content-Type: application/json\r\n", body);
            let answer = self.publisher.response();
            assert_eq!(answer.status, 200, "{}", answer.text());
            notes.iter().for_each(|note| self.checker.acknowledged(CHANNEL, note));
        }
    }

    /// Listens until this number was seen.
    async fn hear(&mut self, subscriber: &mut impl Subscriber, number: u64) {
        let listening = async {
            loop {
                match subscriber.next().await.expect("the subscriber does not give up") {
                    Told::Saw { channel, note } => {
                        self.checker.saw("listener", &channel, &note);
                        if note.number >= number {
                            return;
                        }
                    }
                    Told::Gap { channel } => {
                        self.checker.told_of_gap("listener", channel.as_deref().unwrap_or(CHANNEL));
                    }
                }
            }
        };
        let heard = tokio::time::timeout(2 * PATIENCE, listening).await;
        heard.unwrap_or_else(|_| panic!("message {number} is not seen"));
    }
}

/// A thousand messages while the proxy and then the server are killed and started again.
fn keeps_order(make: Make, transport: Transport) {
    keeps_order_for::<ScriptedSubscriber>(make, transport);
}

fn keeps_order_for<S: Subscriber>(make: Make, transport: Transport) {
    let folder = tempfile::tempdir().unwrap();
    let mut server = server(folder.path());
    let mut proxy = Proxy::before(make, server.address(), scaled());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut run = Run { checker: Checker::new(), publisher: Socket::connect(server.address()), published: 0 };
    run.checker.listens_throughout("listener", CHANNEL);
    runtime.block_on(async {
        let link = Link {
            number: 0,
            address: proxy.address(),
            transport,
            channels: vec![CHANNEL.into()],
            seed: Seed(1),
        };
        let mut subscriber = S::come(link).await.unwrap();
        run.publish(server.address());
        run.hear(&mut subscriber, STRETCH / 2).await;
        proxy.kill();
        run.publish(server.address());
        proxy.restart();
        run.publish(server.address());
        run.hear(&mut subscriber, 2 * STRETCH).await;
        server.restart();
        run.publish(server.address());
        run.hear(&mut subscriber, 3 * STRETCH).await;
        run.publish(server.address());
        let last = run.published - 1;
        run.hear(&mut subscriber, last).await;
        subscriber.leave().await;
    });
    assert_eq!(run.published, 5 * STRETCH);
    run.checker.assert_clean();
}

#[test]
fn behind_nginx_a_websocket_loses_nothing() {
    keeps_order(Make::Nginx, Transport::WebSocket);
}

#[test]
fn behind_nginx_long_polling_loses_nothing() {
    keeps_order(Make::Nginx, Transport::LongPolling);
}

#[test]
fn behind_nginx_callback_polling_loses_nothing() {
    keeps_order(Make::Nginx, Transport::CallbackPolling);
}

#[test]
fn behind_haproxy_a_websocket_loses_nothing() {
    keeps_order(Make::Haproxy, Transport::WebSocket);
}

#[test]
fn behind_haproxy_long_polling_loses_nothing() {
    keeps_order(Make::Haproxy, Transport::LongPolling);
}

#[test]
fn behind_haproxy_callback_polling_loses_nothing() {
    keeps_order(Make::Haproxy, Transport::CallbackPolling);
}

#[test]
fn behind_squid_a_websocket_loses_nothing() {
    keeps_order(Make::Squid, Transport::WebSocket);
}

#[test]
fn behind_squid_long_polling_loses_nothing() {
    keeps_order(Make::Squid, Transport::LongPolling);
}

#[test]
fn behind_squid_callback_polling_loses_nothing() {
    keeps_order(Make::Squid, Transport::CallbackPolling);
}

#[test]
fn behind_nginx_the_rust_client_loses_nothing_between_its_wires() {
    keeps_order_for::<ClientSubscriber>(Make::Nginx, Transport::WebSocketAndLongPolling);
}

#[test]
fn behind_haproxy_the_rust_client_loses_nothing_between_its_wires() {
    keeps_order_for::<ClientSubscriber>(Make::Haproxy, Transport::WebSocketAndLongPolling);
}

#[test]
fn behind_squid_the_rust_client_loses_nothing_between_its_wires() {
    keeps_order_for::<ClientSubscriber>(Make::Squid, Transport::WebSocketAndLongPolling);
}

/// Small and large, plain and strange: what is published comes out as it went in, and connects are held and held again
/// for longer than the proxy waits for any one answer.
fn carries<W: Wire>(proxy: &Proxy, server: SocketAddr) {
    let mut client = Client::<W>::at(proxy.address());
    client.handshake();
    client.connect_at_once();
    let [text, large] = ["text", "large"].map(|name| format!("/strange/{}/{name}", W::CONNECTION_TYPE));
    let (text, large) = (text.as_str(), large.as_str());
    client.subscribe(text);
    client.subscribe(large);
    client.publish(text, TEXT);
    client.expect_event(text, TEXT);
    let data = format!("{TEXT}{}{TEXT}", "\u{e9}\u{4e16}x".repeat((1 << 20) / 6));
    assert!(data.len() > 1_000_000);
    if W::CONNECTION_TYPE == CallbackWire::CONNECTION_TYPE {
        // A GET cannot bring so much; an answer can.
        let mut publisher = Client::<LongPollWire>::at(server);
        publisher.handshake();
        publisher.publish(large, data.as_str());
    } else {
        client.publish(large, data.as_str());
    }
    client.expect_event(large, data);
    for _ in 0..5 {
        client.hold();
        let reply = client.held_reply();
        assert_eq!(reply["successful"], true, "{reply}");
    }
    client.publish(text, "after the silence");
    client.expect_event(text, "after the silence");
}

/// Every transport through one proxy; and a hold longer than the proxy waits, which shows that it does not wait for ever.
fn passes_everything(make: Make) {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path());
    let proxy = Proxy::before(make, server.address(), scaled());
    std::thread::scope(|scope| {
        scope.spawn(|| carries::<WebSocketWire>(&proxy, server.address()));
        scope.spawn(|| carries::<LongPollWire>(&proxy, server.address()));
        scope.spawn(|| carries::<CallbackWire>(&proxy, server.address()));
    });
    let mut outside = Socket::connect(proxy.address());
    outside.send_post("/api/publish", "", r#"{"channel":"/strange/text","data":1}"#);
    assert_eq!(outside.response().status, 403, "the API is not for the outside");
}

#[test]
fn nginx_passes_everything() {
    passes_everything(Make::Nginx);
}

#[test]
fn haproxy_passes_everything() {
    passes_everything(Make::Haproxy);
}

#[test]
fn squid_passes_everything() {
    passes_everything(Make::Squid);
}

#[test]
fn a_proxy_that_waits_less_than_the_server_holds_gives_up() {
    for make in Make::ALL {
        let config = "[session]\ntimeout = \"20s\"\n";
        let server = ChildServer::start(Path::new(env!("CARGO_BIN_EXE_comet")), config);
        let changes = Changes { read_timeout_seconds: Some(1), ..Changes::default() };
        let proxy = Proxy::before(make, server.address(), changes);
        let mut socket = Socket::connect(proxy.address());
        let hello = json!([{
            "channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"],
        }]);
        let id = socket.post(&hello)[0]["clientId"].clone();
        let connect = |advice: Value| {
            json!([{
                "channel": "/meta/connect", "connectionType": "long-polling", "clientId": id, "advice": advice,
            }])
        };
        socket.post(&connect(json!({ "timeout": 0 })));
        socket.send_batch("/cometd", &connect(Value::Null));
        assert_eq!(socket.response().status, 504, "{make:?}");
    }
}

/// Connections from one address of this machine until one is refused; how many were let in, and the refusal.
fn fill(proxy: &Proxy, from: [u8; 4], forged: &str) -> (Vec<WebSocket>, u16) {
    let mut open = Vec::new();
    while open.len() < 20 {
        let socket = Socket::connect_from(IpAddr::from(from), proxy.address());
        let forged = [("X-Forwarded-For", forged)];
        match WebSocket::open_on(socket, "/cometd", if forged[0].1.is_empty() { &[] } else { &forged }) {
            Ok(websocket) => open.push(websocket),
            Err(refusal) => return (open, refusal.status),
        }
    }
    panic!("nobody is refused")
}

#[test]
fn limits_count_clients_behind_a_trusted_proxy() {
    for make in Make::ALL {
        let config = "[http]\ntrusted_proxies = [\"127.0.0.1\"]\n[limits]\nconnections_per_address = 3\n\
                      handshake_timeout = \"1m\"\n";
        let server = ChildServer::start(Path::new(env!("CARGO_BIN_EXE_comet")), config);
        let proxy = Proxy::before(make, server.address(), Changes::default());
        let (first, refusal) = fill(&proxy, [127, 0, 0, 2], "203.0.113.1");
        assert_eq!((first.len(), refusal), (3, 503), "{make:?}");
        // What a client claims of itself is not what the proxy says of it.
        let (none, refusal) = fill(&proxy, [127, 0, 0, 2], "127.0.0.1, 203.0.113.2");
        assert_eq!((none.len(), refusal), (0, 503), "{make:?}");
        let (others, _) = fill(&proxy, [127, 0, 0, 3], "");
        assert_eq!(others.len(), 3, "{make:?}");
    }
}

#[test]
fn limits_count_a_proxy_that_is_not_trusted() {
    for make in Make::ALL {
        let config = "[limits]\nconnections_per_address = 3\nhandshake_timeout = \"1m\"\n";
        let server = ChildServer::start(Path::new(env!("CARGO_BIN_EXE_comet")), config);
        let proxy = Proxy::before(make, server.address(), Changes::default());
        let (first, _) = fill(&proxy, [127, 0, 0, 2], "");
        assert_eq!(first.len(), 3, "{make:?}");
        let (others, refusal) = fill(&proxy, [127, 0, 0, 3], "");
        assert_eq!(others.len(), 0, "{make:?}");
        assert!(refusal >= 502, "{make:?} says {refusal}");
    }
}

#[test]
fn the_origin_of_a_page_is_judged_as_without_a_proxy() {
    let server = ChildServer::start(Path::new(env!("CARGO_BIN_EXE_comet")), "");
    for make in Make::ALL {
        let proxy = Proxy::before(make, server.address(), Changes::default());
        let answer = |origin: &str| {
            let mut socket = Socket::connect(proxy.address());
            let hello = r#"[{"channel":"/meta/handshake","version":"1.0"}]"#;
            socket.send_post("/cometd", &format!("Origin: {origin}\r\n"), hello);
            socket.response()
        };
        // Browsers name the proxy, whatever the server is called behind it.
        for scheme in ["http", "https"] {
            let own = answer(&format!("{scheme}://{}", proxy.address()));
            assert_eq!(own.status, 200, "{make:?}: {}", own.text());
            assert_eq!(own.field("cache-control"), Some("no-store"), "{make:?}");
            assert_eq!(own.field("content-encoding"), None, "{make:?}");
        }
        for other in [format!("http://{}", server.address()), "https://evil.example".into(), "null".into()] {
            assert_eq!(answer(&other).status, 403, "{make:?}: {other}");
        }
    }
}
