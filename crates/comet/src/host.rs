//! The engine's host: the policy asked, services called, connections taken over.
//!
//! Questions are put to the policy in place and leave the delivery thread only when their answer has to
//! wait. Nothing is decided here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bayeux::{Channel, Code, Pattern};
use comet_engine::{Ask, Call as EngineCall, HandedOver, Handle, Host, Later, Ruling, Who};
use tokio::runtime;

use crate::authorizer::{Authorizers, Operation};
use crate::policy::{Handshake, Policy};
use crate::service::{Call, Services};
use crate::web::Web;
use crate::{Client, Denied};

/// How long a policy may take.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) type SessionEnded = Arc<dyn Fn(&Client, Code) + Send + Sync>;

pub(crate) struct CometHost<P> {
    pub(crate) policy: Arc<P>,
    pub(crate) services: Services,
    /// Channels on which only the server publishes.
    pub(crate) reserved: Vec<Pattern>,
    pub(crate) authorizers: Arc<Authorizers>,
    pub(crate) session_ended: Option<SessionEnded>,
    pub(crate) handle: Handle,
    pub(crate) runtime: runtime::Handle,
    pub(crate) web: Arc<Web>,
}

impl<P: Policy> Host for CometHost<P> {
    fn judge(&self, ask: Ask<'_>, later: Later<'_>) -> Option<Ruling> {
        let policy = self.policy.clone();
        match ask {
            Ask::Handshake { message, request } => {
                let hello = Handshake { message: message.to_owned(), request: request.clone() };
                self.settle(later, async move {
                    match policy.authenticate(&hello).await {
                        Ok(identity) => Ruling::AllowAs(identity),
                        Err(denied) => denied.ruling(Code::HandshakeDenied),
                    }
                })
            }
            Ask::Subscribe { who, patterns } => {
                let (client, patterns) = (self.client(who), patterns.to_vec());
                let (authorizers, handle) = (self.authorizers.clone(), self.handle.clone());
                self.settle(later, async move {
                    for pattern in &patterns {
                        if !authorizers.is_empty()
                            && let Err(denied) =
                                authorizers.admit(&client, Operation::Subscribe, pattern, None, &handle).await
                        {
                            return denied.ruling(Code::SubscribeDenied);
                        }
                        if let Err(denied) = policy.may_subscribe(&client, pattern).await {
                            return denied.ruling(Code::SubscribeDenied);
                        }
                    }
                    Ruling::Allow
                })
            }
            Ask::Publish { channel, .. } if self.reserved.iter().any(|pattern| pattern.matches(channel)) => {
                Some(Denied::because("only the server publishes here").ruling(Code::PublishDenied))
            }
            Ask::Publish { who, channel, data } => {
                let (client, channel, data) = (self.client(who), channel.clone(), data.to_owned());
                let (authorizers, handle) = (self.authorizers.clone(), self.handle.clone());
                self.settle(later, async move {
                    if !authorizers.is_empty() {
                        let pattern = Pattern::from(channel.clone());
                        let admitted = authorizers
                            .admit(&client, Operation::Publish, &pattern, Some(&data), &handle)
                            .await;
                        if let Err(denied) = admitted {
                            return denied.ruling(Code::PublishDenied);
                        }
                    }
                    match policy.may_publish(&client, &channel, &data).await {
                        Ok(()) => Ruling::Allow,
                        Err(denied) => denied.ruling(Code::PublishDenied),
                    }
                })
            }
        }
    }

    fn serves(&self, channel: &Channel) -> bool {
        self.services.serves(channel)
    }

    fn call(&self, call: EngineCall) {
        let EngineCall { who, channel, data, ext, responder } = call;
        let call = Call { client: self.client(&who), channel, data, ext };
        let services = self.services.clone();
        self.runtime.spawn(async move {
            if let Some((answer, ext)) = services.run(call).await {
                responder.answer_with(answer, ext);
            }
        });
    }

    fn session_ended(&self, who: &Arc<Who>, code: Code) {
        if let Some(session_ended) = &self.session_ended {
            let told = catch_unwind(AssertUnwindSafe(|| session_ended(&self.client(who), code)));
            if told.is_err() {
                tracing::error!("the program's handler of ended sessions panicked");
            }
        }
    }

    fn take_over(&self, connection: HandedOver) {
        let (web, handle) = (self.web.clone(), self.handle.clone());
        self.runtime.spawn(async move { web.serve(connection, handle).await });
    }
}

impl<P: Policy> CometHost<P> {
    fn client(&self, who: &Arc<Who>) -> Client {
        Client::new(who.clone(), self.handle.clone())
    }

    /// Polls a question once where it was asked; only what has to wait moves to the control runtime.
    fn settle(
        &self,
        later: Later<'_>,
        question: impl Future<Output = Ruling> + Send + 'static,
    ) -> Option<Ruling> {
        let _entered = self.runtime.enter();
        let mut question = Box::pin(question);
        let first = || question.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        match catch_unwind(AssertUnwindSafe(first)) {
            Ok(Poll::Ready(ruling)) => Some(ruling),
            Err(_) => {
                tracing::error!("the policy panicked");
                Some(Denied::because("the policy failed").ruling(Code::Internal))
            }
            Ok(Poll::Pending) => {
                let resume = later.promise();
                self.runtime.spawn(async move {
                    let late = || Denied::because("the policy did not answer in time").ruling(Code::Internal);
                    resume.rule(tokio::time::timeout(PATIENCE, question).await.unwrap_or_else(|_| late()));
                });
                None
            }
        }
    }
}
