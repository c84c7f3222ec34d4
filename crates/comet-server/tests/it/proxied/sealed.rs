//! TLS in front: the lines that the samples hold for it, taken as they stand.
//!
//! The other side of the wire is the `openssl` program, which says what it is told and prints what it hears.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;

use comet_testkit::{ChildServer, PATIENCE};

use super::proxy::{Changes, Make, Proxy};

/// A certificate of this machine's own and its key, under the names of the samples.
fn certify(folder: &Path) {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
    command.args(["-days", "2", "-subj", "/CN=localhost", "-keyout", "privkey.pem", "-out", "fullchain.pem"]);
    let made = command.current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    std::fs::write(folder.join("all.pem"), read("fullchain.pem") + &read("privkey.pem")).unwrap();
}

/// Says this through TLS and waits until the answer holds these words.
fn says(address: SocketAddr, request: &str, words: &str) -> bool {
    struct Ends(Child);
    impl Drop for Ends {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
    let mut command = Command::new("openssl");
    command.args(["s_client", "-quiet", "-connect", &address.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut client = Ends(command.spawn().unwrap());
    client.0.stdin.as_mut().unwrap().write_all(request.as_bytes()).unwrap();
    let mut out = client.0.stdout.take().unwrap();
    let (sender, heard) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4_096];
        while let Ok(read @ 1..) = out.read(&mut buffer) {
            if sender.send(buffer[..read].to_vec()).is_err() {
                return;
            }
        }
    });
    let mut text = String::new();
    while let Ok(bytes) = heard.recv_timeout(PATIENCE) {
        text += &String::from_utf8_lossy(&bytes);
        if text.contains(words) {
            return true;
        }
    }
    panic!("{words:?} does not come: {text}")
}

#[test]
fn tls_ends_at_the_proxy() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let server = ChildServer::start(Path::new(env!("CARGO_BIN_EXE_comet")), "");
    for make in Make::ALL {
        let tls = Some(folder.path().to_owned());
        let proxy = Proxy::before(make, server.address(), Changes { tls, ..Changes::default() });
        let address = proxy.address();
        let hello = r#"[{"channel":"/meta/handshake","version":"1.0"}]"#;
        let post = format!(
            "POST /cometd HTTP/1.1\r\nHost: {address}\r\nOrigin: https://{address}\r\nContent-Length: {}\r\n\r\n{hello}",
            hello.len()
        );
        assert!(says(address, &post, "\"successful\":true"), "{make:?}");
        let upgrade = format!(
            "GET /cometd HTTP/1.1\r\nHost: {address}\r\nOrigin: https://{address}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        assert!(says(address, &upgrade, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{make:?}");
    }
}
