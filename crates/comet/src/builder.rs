//! Putting a server together.
//!
//! The builder gathers what is the program's own — addresses, policy, services, pages — and starts the
//! engine. Reading files and flags is the caller's business; nothing runs before `build`.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use bayeux::{Code, Kind, Pattern};
use comet_engine::journal::Opened;
use comet_engine::{Config, Engine};
use tokio::runtime;

use crate::api::{Api, ApiAccess};
use crate::authorizer::Authorizers;
use crate::host::{CometHost, SessionEnded};
use crate::policy::{Open, Policy};
use crate::service::Services;
use crate::web::{Body, BoxError, FlashFiles, Pages, Web};
use crate::{Call, Client, Comet, Operation, Publisher, Refusal, Reply, Rule, Vote, Wish};

type Start = Box<dyn FnOnce(Publisher) + Send>;

/// Gathers what a server is made of. See [`Comet::builder`].
///
/// ```no_run
/// # async fn run() -> std::io::Result<()> {
/// use comet::{Call, Comet, Operation, Refusal, Reply, Rule, Vote, Whom};
///
/// let comet = Comet::builder()
///     .listen(([127, 0, 0, 1], 8000))
///     // Each user listens to channels of its own.
///     .authorize("/user/**", Rule::default().grant(Operation::Subscribe, [Whom::Owner]))
///     // What is too long is nobody's to publish.
///     .authorizer("/chat/**", [Operation::Publish, Operation::Subscribe], async |wish| {
///         match wish.data {
///             Some(data) if data.get().len() > 1_000 => Vote::Deny("too long".into()),
///             _ => Vote::Grant,
///         }
///     })
///     .service("/service/length", async |call: Call| {
///         let text: String = call.data()?;
///         if text.is_empty() {
///             return Err(Refusal::because("there is nothing to count"));
///         }
///         Reply::json(&text.chars().count())
///     })
///     .build()?;
/// comet.run_until(std::future::pending::<()>()).await;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct Builder<P = Open> {
    config: Config,
    listens: bool,
    policy: P,
    services: Services,
    reserved: Vec<Pattern>,
    authorizers: Authorizers,
    starts: Vec<Start>,
    session_ended: Option<SessionEnded>,
    pages: Option<Pages>,
    api: ApiAccess,
    journal: Option<Opened>,
    flash_folders: Vec<PathBuf>,
    invalid: Vec<String>,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            config: Config::default(),
            listens: false,
            policy: Open,
            services: Services::default(),
            reserved: Vec::new(),
            authorizers: Authorizers::default(),
            starts: Vec::new(),
            session_ended: None,
            pages: None,
            api: ApiAccess::Closed,
            journal: None,
            flash_folders: Vec::new(),
            invalid: Vec::new(),
        }
    }
}

impl<P: Policy> Builder<P> {
    /// Starts from a whole configuration: addresses, limits, session rules.
    pub fn config(mut self, config: Config) -> Builder<P> {
        self.config = config;
        self.listens = true;
        self
    }

    /// Changes the configuration as it stands: what has no method of its own here.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Builder<P> {
        change(&mut self.config);
        self
    }

    /// Adds an address to listen on; port 0 takes any free one. Without any, `127.0.0.1:8000`.
    pub fn listen(mut self, address: impl Into<SocketAddr>) -> Builder<P> {
        if !std::mem::replace(&mut self.listens, true) {
            self.config.listen.clear();
        }
        self.config.listen.push(address.into());
        self
    }

    /// Sets who may. Without a policy everyone may do everything.
    pub fn policy<Q: Policy>(self, policy: Q) -> Builder<Q> {
        let Builder {
            config,
            listens,
            services,
            reserved,
            authorizers,
            starts,
            session_ended,
            pages,
            api,
            journal,
            flash_folders,
            invalid,
            ..
        } = self;
        Builder {
            config,
            listens,
            policy,
            services,
            reserved,
            authorizers,
            starts,
            session_ended,
            pages,
            api,
            journal,
            flash_folders,
            invalid,
        }
    }

    /// Adds a service: a handler for a channel or pattern under `/service/`. The first that matches answers. It has 30
    /// seconds for each call; a name that is not under `/service/` makes [`Builder::build`] fail.
    pub fn service<H, F>(mut self, pattern: &str, handler: H) -> Builder<P>
    where
        H: Fn(Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Reply, Refusal>> + Send + 'static,
    {
        match Pattern::parse(pattern) {
            Ok(parsed) if pattern.starts_with("/service/") => self.services.add(parsed, handler),
            Ok(_) => self.invalid.push(format!("{pattern:?} is not under /service/")),
            Err(error) => self.invalid.push(format!("{pattern:?} is no service channel: {error}")),
        }
        self
    }

    /// Keeps a channel, or the channels of a pattern, for the server: clients may listen there, and what they
    /// publish is refused with `publish_denied` before the policy is asked. The server's own publisher and the
    /// HTTP API are not bound by it.
    pub fn reserve(mut self, pattern: &str) -> Builder<P> {
        match Pattern::parse(pattern) {
            Ok(parsed) if parsed.kind() == Kind::Broadcast => self.reserved.push(parsed),
            Ok(_) => self.invalid.push(format!("{pattern:?} is never published to")),
            Err(error) => self.invalid.push(format!("{pattern:?} cannot be reserved: {error}")),
        }
        self
    }

    /// Puts an authorizer at a channel or pattern: code that grants or denies the `operations` it is for. Several may
    /// stand at one pattern and at patterns that overlap. Where any is concerned, an operation needs one grant and no
    /// denial, and the policy's consent besides. A subscription to a pattern is granted by who stands at a pattern that
    /// is as wide at least, and denied by anyone who stands at a part of it. The server's own publisher and the HTTP API
    /// are not bound by them.
    pub fn authorizer<V, F>(
        mut self,
        pattern: &str,
        operations: impl IntoIterator<Item = Operation>,
        vote: V,
    ) -> Builder<P>
    where
        V: Fn(Wish) -> F + Send + Sync + 'static,
        F: Future<Output = Vote> + Send + 'static,
    {
        if let Some(parsed) = self.authorized(pattern) {
            self.authorizers.add(parsed, operations.into_iter().collect(), vote);
        }
        self
    }

    /// Puts a rule at a channel or pattern: an authorizer without code. See [`Builder::authorizer`].
    pub fn authorize(mut self, pattern: &str, rule: Rule) -> Builder<P> {
        if let Some(parsed) = self.authorized(pattern) {
            self.authorizers.add_rule(parsed, rule);
        }
        self
    }

    fn authorized(&mut self, pattern: &str) -> Option<Pattern> {
        match Pattern::parse(pattern) {
            Ok(parsed) if parsed.kind() != Kind::Meta => return Some(parsed),
            Ok(_) => self.invalid.push(format!("{pattern:?} is the protocol's own")),
            Err(error) => self.invalid.push(format!("{pattern:?} cannot be authorized: {error}")),
        }
        None
    }

    /// Calls `start` with a publisher when the server is built, before the first client is served: the place
    /// to spawn what publishes of its own accord.
    pub fn on_start(mut self, start: impl FnOnce(Publisher) + Send + 'static) -> Builder<P> {
        self.starts.push(Box::new(start));
        self
    }

    /// Calls `ended` whenever a session ends, with the reason. It runs on a delivery thread: hand work on.
    pub fn on_session_end(mut self, ended: impl Fn(&Client, Code) + Send + Sync + 'static) -> Builder<P> {
        self.session_ended = Some(match self.session_ended.take() {
            None => Arc::new(ended),
            Some(before) => Arc::new(move |client, code| {
                before(client, code);
                ended(client, code);
            }),
        });
        self
    }

    /// Serves your own pages on the same port: any tower service of HTTP requests gets what is for none of
    /// Comet's paths.
    pub fn http<S, B>(mut self, pages: S) -> Builder<P>
    where
        S: tower_service::Service<http::Request<Body>, Response = http::Response<B>>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send + 'static,
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        self.pages = Some(Pages::new(pages));
        self
    }

    /// Who may use the HTTP API under `/api/`. Nobody, unless told.
    pub fn api(mut self, access: ApiAccess) -> Builder<P> {
        self.api = access;
        self
    }

    /// Keeps durable channels in a journal, and goes on with the channels it has kept. The journal is closed when the
    /// server ends. Channels that promise more than memory need one: see [`ChannelOptions`](crate::ChannelOptions).
    pub fn journal(mut self, journal: Opened) -> Builder<P> {
        self.journal = Some(journal);
        self
    }

    /// Serves the movie and the player of the `flash` transport under `/comet/flash/` from this folder, and from those given
    /// before: `bridge.swf`, `ruffle/ruffle.js` and what that loads. Whoever reaches the server may read what lies in it.
    pub fn flash_files(mut self, folder: impl Into<PathBuf>) -> Builder<P> {
        self.flash_folders.push(folder.into());
        self
    }

    /// Binds the addresses and starts. Must be called within a tokio runtime: it becomes the control runtime,
    /// on which policies that wait, services and pages run.
    ///
    /// # Errors
    /// `AddrInUse` and the like when an address cannot be bound, `InvalidInput` when something given to the
    /// builder cannot work: durable channels without a journal or a history are told so.
    pub fn build(self) -> io::Result<Comet> {
        if let Some(invalid) = self.invalid.first() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, invalid.clone()));
        }
        let runtime = runtime::Handle::try_current()
            .map_err(|_| io::Error::other("Comet is built within a tokio runtime"))?;
        let Builder {
            config,
            policy,
            services,
            reserved,
            authorizers,
            starts,
            session_ended,
            pages,
            api,
            journal,
            flash_folders,
            ..
        } = self;
        let (mut web, own_services) = (None, services.clone());
        let engine = Engine::start(config.clone(), journal, |handle| {
            let api = Api::new(api, handle.clone());
            let flash = FlashFiles::new(handle.flash_policy(), flash_folders);
            let shared = Arc::new(Web::new(config, api, pages, flash));
            web = Some(shared.clone());
            starts.into_iter().for_each(|start| start(Publisher::new(handle.clone())));
            Arc::new(CometHost {
                policy: Arc::new(policy),
                services,
                reserved,
                authorizers: Arc::new(authorizers),
                session_ended,
                handle: handle.clone(),
                runtime,
                web: shared,
            })
        })?;
        let web = web.expect("the engine asks for its host once");
        Ok(Comet::new(engine, web, own_services))
    }
}
