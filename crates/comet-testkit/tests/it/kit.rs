//! Server, clients and witness of the kit.

use std::net::TcpListener;

use comet_testkit::{CallbackWire, Client, LongPollWire, TestServer, WebSocketWire, Wire, Witness};

#[test]
fn a_dropped_server_gives_its_port_back() {
    let server = TestServer::start();
    let address = server.address();
    drop(server);
    TcpListener::bind(address).expect("the port is free again");
}

fn hears_what_another_publishes<W: Wire>() {
    let server = TestServer::start();
    let (mut alice, mut bob) = (Client::<W>::connected(&server), Client::<W>::connected(&server));
    alice.subscribe("/room");
    bob.publish("/room", "hello");
    alice.expect_event("/room", "hello");
    assert_eq!(alice.disconnect()["successful"], true);
}

#[test]
fn scripted_clients_speak_every_transport() {
    hears_what_another_publishes::<WebSocketWire>();
    hears_what_another_publishes::<LongPollWire>();
    hears_what_another_publishes::<CallbackWire>();
}

#[test]
fn a_witness_hears_everything_of_a_healthy_server() {
    let server = TestServer::start();
    let mut witness = Witness::beside(&server);
    witness.still_hears(&server);
    witness.still_hears(&server);
}
