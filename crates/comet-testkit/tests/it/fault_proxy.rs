//! The proxy spoils what it is told to spoil, and nothing else.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use comet_testkit::{Direction, Ending, FaultProxy, Hole, PATIENCE, Seed, eventually};

const WHILE: Duration = Duration::from_millis(150);

/// A server that says back what it hears, and at the end "bye".
struct Echo {
    address: SocketAddr,
    /// What each connection had heard when it ended, and whether it ended with a farewell.
    ended: Receiver<(Vec<u8>, bool)>,
}

impl Echo {
    fn start() -> Echo {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, ended) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let sender = sender.clone();
                std::thread::spawn(move || Echo::serve(stream, &sender));
            }
        });
        Echo { address, ended }
    }

    fn serve(mut stream: TcpStream, sender: &Sender<(Vec<u8>, bool)>) {
        let (mut heard, mut buffer) = (Vec::new(), [0; 4_096]);
        let farewell = loop {
            match stream.read(&mut buffer) {
                Ok(0) => break true,
                Ok(read) => {
                    heard.extend_from_slice(&buffer[..read]);
                    if stream.write_all(&buffer[..read]).is_err() {
                        break false;
                    }
                }
                Err(_) => break false,
            }
        };
        // A client that is gone hears no farewell, and a test that is over asks for no report.
        let _ = stream.write_all(b"bye");
        let _ = sender.send((heard, farewell));
    }

    fn ended(&self) -> (Vec<u8>, bool) {
        self.ended.recv_timeout(PATIENCE).expect("a connection to the server ends")
    }
}

fn connect(proxy: &FaultProxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A connection that is known to go through.
fn connected(proxy: &FaultProxy) -> TcpStream {
    let mut stream = connect(proxy);
    says(&mut stream, b"hello");
    stream
}

fn says(stream: &mut TcpStream, words: &[u8]) {
    stream.write_all(words).unwrap();
    hears(stream, words);
}

fn hears(stream: &mut TcpStream, words: &[u8]) {
    let mut heard = vec![0; words.len()];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(heard, words);
}

fn hears_nothing(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(WHILE)).unwrap();
    let error = stream.read(&mut [0; 64]).expect_err("nothing comes through");
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
}

/// What comes until the end, and whether the end was a reset.
fn rest(stream: &mut TcpStream) -> (Vec<u8>, bool) {
    let (mut heard, mut buffer) = (Vec::new(), [0; 4_096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (heard, false),
            Ok(read) => heard.extend_from_slice(&buffer[..read]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
                return (heard, true);
            }
        }
    }
}

#[test]
fn a_proxy_that_is_told_nothing_passes_everything_on() {
    let echo = Echo::start();
    let proxy = FaultProxy::before(echo.address);
    let words: Vec<u8> = (0..1_000_000_u32).map(|number| number as u8).collect();
    let mut stream = connect(&proxy);
    let mut speaker = stream.try_clone().unwrap();
    let spoken = words.clone();
    let speaking = std::thread::spawn(move || {
        speaker.write_all(&spoken).unwrap();
        speaker.shutdown(Shutdown::Write).unwrap();
    });
    let (heard, reset) = rest(&mut stream);
    speaking.join().unwrap();
    assert!(!reset);
    assert!(heard == [&words[..], b"bye"].concat(), "{} bytes", heard.len());
    eventually("the connection is gone", || proxy.counts().open == 0);
    assert_eq!((proxy.counts().connections, proxy.counts().cut), (1, 0));
    assert_eq!(proxy.counts().bytes, 2_000_003);
}

#[test]
fn a_cut_resets_what_is_open_and_nothing_that_comes_later() {
    let echo = Echo::start();
    let proxy = FaultProxy::before(echo.address);
    let mut stream = connected(&proxy);
    proxy.cut_all();
    assert_eq!(rest(&mut stream), (vec![], true));
    assert_eq!(echo.ended(), (b"hello".to_vec(), false));
    connected(&proxy);
    assert_eq!(proxy.counts().cut, 1);
}

#[test]
fn a_connection_can_end_with_a_farewell() {
    let echo = Echo::start();
    let proxy = FaultProxy::before(echo.address);
    let mut stream = connected(&proxy);
    proxy.finish_all();
    assert_eq!(rest(&mut stream), (vec![], false));
    assert_eq!(echo.ended(), (b"hello".to_vec(), true));
}

#[test]
fn a_half_closed_connection_goes_on_the_other_way() {
    let echo = Echo::start();
    let proxy = FaultProxy::before(echo.address);
    let mut stream = connected(&proxy);
    proxy.half_close_all(Direction::ToServer);
    assert_eq!(echo.ended(), (b"hello".to_vec(), true));
    hears(&mut stream, b"bye");

    let mut stream = connected(&proxy);
    proxy.half_close_all(Direction::ToClient);
    assert_eq!(rest(&mut stream), (vec![], false));
    stream.write_all(b" and more").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(echo.ended(), (b"hello and more".to_vec(), true));
}

/// How many bytes each of some connections gets before it is cut.
fn bytes_before_cuts(seed: u64, ending: Ending) -> Vec<usize> {
    let echo = Echo::start();
    let proxy = FaultProxy::seeded(echo.address, Seed(seed), "proxy");
    proxy.end_after_bytes(Direction::ToClient, 3..300, ending);
    let cut = |_| {
        let mut stream = connect(&proxy);
        stream.write_all(&[7; 300]).unwrap();
        let (heard, reset) = rest(&mut stream);
        assert_eq!(reset, ending == Ending::Reset);
        heard.len()
    };
    (0..20).map(cut).collect()
}

#[test]
fn connections_are_cut_at_a_byte_that_the_seed_decides() {
    for ending in [Ending::Finish, Ending::Reset] {
        let bytes = bytes_before_cuts(7, ending);
        assert!(bytes.iter().all(|bytes| (3..300).contains(bytes)), "{bytes:?}");
        assert_eq!(bytes_before_cuts(7, ending), bytes);
        assert_ne!(bytes_before_cuts(8, ending), bytes);
    }
}

#[test]
fn an_open_connection_is_cut_after_bytes_too_and_none_after_it_is_healed() {
    let echo = Echo::start();
    let proxy = FaultProxy::before(echo.address);
    let mut stream = connected(&proxy);
    proxy.cut_after_bytes(4..5);
    stream.write_all(b"good morning").unwrap();
    assert_eq!(rest(&mut stream), (b"good".to_vec(), true));
    proxy.heal();
    says(&mut connected(&proxy), b"good morning");
}

#[test]
fn a_hole_that_holds_gives_back_what_it_took() {
    let echo = Echo::start();
    let proxy = FaultProxy::before(echo.address);
    let mut old = connected(&proxy);
    proxy.blackhole(Hole::Holds);
    let mut new = connect(&proxy);
    for stream in [&mut old, &mut new] {
        stream.write_all(b"anybody?").unwrap();
        hears_nothing(stream);
    }
    proxy.heal();
    hears(&mut old, b"anybody?");
    hears(&mut new, b"anybody?");
}

#[test]
fn a_hole_that_swallows_is_silent_and_ends_in_a_reset() {
    let echo = Echo::start();
    let proxy = FaultProxy::before(echo.address);
    let (mut speaking, mut silent) = (connected(&proxy), connected(&proxy));
    proxy.blackhole(Hole::Swallows);
    let mut new = connect(&proxy);
    for stream in [&mut speaking, &mut new] {
        stream.write_all(b"anybody?").unwrap();
        hears_nothing(stream);
    }
    eventually("the new connection is seen", || proxy.counts().connections == 3);
    proxy.heal();
    assert_eq!(rest(&mut speaking), (vec![], true));
    assert_eq!(rest(&mut new), (vec![], true));
    says(&mut silent, b"still here");
    assert_eq!(echo.ended(), (b"hello".to_vec(), false));
}

#[test]
fn a_proxy_that_refuses_resets_everyone_until_it_is_healed() {
    let echo = Echo::start();
    let proxy = FaultProxy::before(echo.address);
    let mut old = connected(&proxy);
    proxy.refuse();
    assert_eq!(rest(&mut old), (vec![], true));
    for _ in 0..3 {
        assert_eq!(rest(&mut connect(&proxy)), (vec![], true));
    }
    proxy.heal();
    connected(&proxy);
    assert_eq!(proxy.counts().refused, 3);
}

#[test]
fn delayed_and_dribbled_bytes_arrive_late_and_whole() {
    let echo = Echo::start();
    let proxy = FaultProxy::before(echo.address);
    let mut stream = connected(&proxy);
    proxy.delay(Duration::from_millis(40));
    let since = Instant::now();
    says(&mut stream, b"late");
    assert!(since.elapsed() >= Duration::from_millis(80), "{:?}", since.elapsed());
    proxy.heal();
    proxy.dribble(Duration::from_millis(2));
    let since = Instant::now();
    says(&mut stream, &[b'x'; 50]);
    assert!(since.elapsed() >= Duration::from_millis(100), "{:?}", since.elapsed());
    proxy.dribble(Duration::ZERO);
    says(&mut stream, &[b'y'; 5_000]);
}

#[test]
fn a_whole_post_is_said_twice_and_answered_once() {
    const POST: &[u8] = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]";
    let echo = Echo::start();
    let proxy = FaultProxy::before(echo.address);
    let mut stream = connect(&proxy);
    says(&mut stream, POST);
    says(&mut stream, &POST[..9]);
    proxy.duplicate();
    says(&mut stream, &POST[9..]);
    assert_eq!(echo.ended(), (POST.to_vec(), true), "the copy comes on a connection of its own");
    proxy.heal();
    says(&mut stream, POST);
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut stream), (b"bye".to_vec(), false));
    assert_eq!(echo.ended().0, POST.repeat(3));
    assert_eq!(proxy.counts().duplicated, 1);
}

#[test]
fn a_restarted_server_is_found_at_its_new_address() {
    let (first, second) = (Echo::start(), Echo::start());
    let proxy = FaultProxy::before(first.address);
    let mut old = connected(&proxy);
    proxy.retarget(second.address);
    drop(connected(&proxy));
    assert_eq!(second.ended().0, b"hello");
    says(&mut old, b"at the old one");
}

#[test]
fn a_dropped_proxy_ends_its_connections_and_gives_its_port_back() {
    let echo = Echo::start();
    let proxy = FaultProxy::before(echo.address);
    let (address, mut stream) = (proxy.address(), connected(&proxy));
    proxy.blackhole(Hole::Holds);
    drop(proxy);
    rest(&mut stream);
    echo.ended();
    TcpListener::bind(address).expect("the port is free again");
}
