//! Authorizers: who may publish, listen and create, pattern by pattern.

use comet::{
    Builder, Channel, Client, Comet, Denied, Handshake, Identity, Operation, Pattern, Policy, RawValue, Rule,
    Vote, Whom, Wish,
};
use comet_testkit::{LongPollClient, TestServer, WebSocketClient};
use serde_json::{Value, json};

/// Everyone is who they say they are.
struct Trusting;

impl Policy for Trusting {
    async fn authenticate(&self, hello: &Handshake) -> Result<Identity, Denied> {
        Ok(Identity { subject: hello.token().unwrap_or_default(), info: String::new() })
    }

    async fn may_subscribe(&self, _: &Client, _: &Pattern) -> Result<(), Denied> {
        Ok(())
    }

    async fn may_publish(&self, _: &Client, channel: &Channel, _: &RawValue) -> Result<(), Denied> {
        let closed = channel.as_str() == "/closed/by/policy";
        if closed { Err(Denied::because("the policy says no")) } else { Ok(()) }
    }
}

fn server(dress: impl FnOnce(Builder<Trusting>) -> Builder<Trusting>) -> TestServer {
    let config = comet::Config { shards: 2, ..TestServer::config() };
    TestServer::run(dress(Comet::builder().config(config).policy(Trusting)))
}

fn signed_in(server: &TestServer, name: &str) -> WebSocketClient {
    let mut client = WebSocketClient::new(server);
    let reply = client.try_handshake(json!({ "ext": { "token": name } }));
    assert_eq!(reply["successful"], true, "{reply}");
    client.connect();
    client
}

fn publish(client: &mut WebSocketClient, channel: &str) -> Value {
    client.request(channel, json!({ "data": 1 }))["error"].clone()
}

fn listen(client: &mut WebSocketClient, name: &str) -> Value {
    client.request("/meta/subscribe", json!({ "subscription": name }))["error"].clone()
}

#[test]
fn only_the_desk_publishes_prices_and_everyone_reads_them() {
    let server = server(|builder| {
        builder.authorize(
            "/prices/**",
            Rule::default()
                .grant(Operation::Publish, [Whom::Subject("desk".into())])
                .grant(Operation::Subscribe, [Whom::Everyone]),
        )
    });
    let (mut desk, mut reader) = (signed_in(&server, "desk"), signed_in(&server, "reader"));
    assert_eq!(listen(&mut reader, "/prices/*"), Value::Null);
    assert_eq!(publish(&mut reader, "/prices/gold"), "403:not granted:publish_denied");
    assert_eq!(publish(&mut desk, "/prices/gold"), Value::Null);
    reader.expect_event("/prices/gold", 1);
    assert_eq!(
        publish(&mut reader, "/elsewhere"),
        Value::Null,
        "where no authorizer stands nothing is asked"
    );
    server.publish("/prices/silver", &2);
    reader.expect_event("/prices/silver", 2);
}

#[test]
fn one_denial_outweighs_every_grant() {
    let server =
        server(|builder| {
            builder
                .authorize("/**", Rule::default().grant(Operation::Publish, [Whom::Authenticated]))
                .authorizer("/chat/*", [Operation::Publish], async |wish: Wish| {
                    let rude = wish.data.is_some_and(|data| data.get().contains("rude"));
                    if rude { Vote::Deny("be polite".into()) } else { Vote::Ignore }
                })
        });
    let mut alice = signed_in(&server, "alice");
    assert_eq!(publish(&mut alice, "/chat/1"), Value::Null);
    let reply = alice.request("/chat/1", json!({ "data": "rude words" }));
    assert_eq!(reply["error"], "403:be polite:publish_denied");
    let mut guest = LongPollClient::connected(&server);
    let reply = guest.request("/chat/1", json!({ "data": 1 }));
    assert_eq!(reply["error"], "403:not granted:publish_denied", "to guests nobody grants it");
}

#[test]
fn a_wide_subscription_does_not_walk_around_a_narrow_authorizer() {
    let server = server(|builder| {
        builder.authorize(
            "/staff/**",
            Rule::default().grant(Operation::Subscribe, [Whom::Subject("staff-*".into())]),
        )
    });
    let (mut ann, mut guest) = (signed_in(&server, "staff-ann"), signed_in(&server, "guest"));
    for name in ["/staff/1", "/staff/*", "/staff/**"] {
        assert_eq!(listen(&mut ann, name), Value::Null, "{name}");
        assert_eq!(listen(&mut guest, name), "403:not granted:subscribe_denied", "{name}");
    }
    assert_eq!(listen(&mut guest, "/**"), "403:not granted:subscribe_denied");
    assert_eq!(listen(&mut ann, "/**"), "403:not granted:subscribe_denied", "her grant is for a part of it");
    assert_eq!(listen(&mut guest, "/*"), Value::Null, "/* has nothing of /staff/**");
}

#[test]
fn everyone_has_a_room_of_their_own() {
    let owner =
        Rule::default().grant(Operation::Publish, [Whom::Owner]).grant(Operation::Subscribe, [Whom::Owner]);
    let server = server(|builder| builder.authorize("/user/**", owner));
    let (mut alice, mut nobody) = (signed_in(&server, "alice"), signed_in(&server, ""));
    for name in ["/user/alice", "/user/alice/notes", "/user/alice/**"] {
        assert_eq!(listen(&mut alice, name), Value::Null, "{name}");
        assert_eq!(listen(&mut nobody, name), "403:not granted:subscribe_denied", "{name}");
    }
    for name in ["/user/bob", "/user/alicea", "/user/*", "/user/**"] {
        assert_eq!(listen(&mut alice, name), "403:not granted:subscribe_denied", "{name}");
    }
    assert_eq!(publish(&mut alice, "/user/alice/notes"), Value::Null);
    assert_eq!(publish(&mut alice, "/user/bob/notes"), "403:not granted:publish_denied");
}

#[test]
fn only_the_host_opens_a_room_and_then_everyone_may_enter() {
    let create = Rule::default().grant(Operation::Create, [Whom::Subject("host".into())]);
    let server = server(|builder| builder.authorize("/room/*", create));
    let (mut host, mut guest) = (signed_in(&server, "host"), signed_in(&server, "guest"));
    let refused = "403:the channel is not there, and creating it is not granted";
    for room in 0..8 {
        let room = format!("/room/{room}");
        assert_eq!(publish(&mut guest, &room), format!("{refused}:publish_denied"), "{room}");
        assert_eq!(listen(&mut guest, &room), format!("{refused}:subscribe_denied"), "{room}");
        let opens: fn(&mut WebSocketClient, &str) -> Value =
            if room.ends_with(['1', '3', '5', '7']) { publish } else { listen };
        assert_eq!(opens(&mut host, &room), Value::Null, "{room}");
        assert_eq!(listen(&mut guest, &room), Value::Null, "{room}");
        assert_eq!(publish(&mut guest, &room), Value::Null, "{room}");
    }
    assert_eq!(listen(&mut guest, "/room/*"), Value::Null, "a pattern creates nothing");
}

#[test]
fn an_authorizer_may_take_its_time_and_the_policy_is_asked_besides() {
    let server = server(|builder| {
        builder
            .authorizer("/closed/**", [Operation::Publish], async |_| {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                Vote::Grant
            })
            .service("/service/echo", async |call: comet::Call| Ok(comet::Reply::raw(call.data)))
            .authorize(
                "/service/echo",
                Rule::default().deny(Operation::Publish, [Whom::Subject("bob".into())]),
            )
    });
    let (mut alice, mut bob) = (signed_in(&server, "alice"), signed_in(&server, "bob"));
    assert_eq!(publish(&mut alice, "/closed/by/nobody"), Value::Null);
    assert_eq!(publish(&mut alice, "/closed/by/policy"), "403:the policy says no:publish_denied");
    assert_eq!(publish(&mut bob, "/service/echo"), "403:denied:publish_denied");
    assert_eq!(
        publish(&mut alice, "/service/echo"),
        "403:not granted:publish_denied",
        "a denial grants nothing"
    );
}

#[test]
fn an_authorizer_that_panics_denies_and_nothing_else_breaks() {
    let server = server(|builder| {
        builder.authorizer("/trap/**", [Operation::Publish, Operation::Create], async |wish: Wish| {
            if wish.operation == Operation::Create || wish.pattern.as_str() == "/trap/now" {
                panic!("an authorizer panics")
            }
            Vote::Grant
        })
    });
    let mut alice = signed_in(&server, "alice");
    for channel in ["/trap/now", "/trap/later"] {
        let error = publish(&mut alice, channel);
        assert!(error.as_str().is_some_and(|error| error.ends_with(":internal")), "{error}");
    }
    assert_eq!(publish(&mut alice, "/elsewhere"), Value::Null);
}

#[test]
fn an_authorizer_cannot_stand_where_the_protocol_is_or_at_no_name() {
    for name in ["/meta/connect", "chat", "/a//b"] {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let _entered = runtime.enter();
        let built = TestServer::builder().authorize(name, Rule::default()).build();
        assert_eq!(built.err().map(|error| error.kind()), Some(std::io::ErrorKind::InvalidInput), "{name}");
    }
}
