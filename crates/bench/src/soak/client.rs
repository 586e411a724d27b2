//! One client: what it sends, and how it insists. It behaves as a producer should: an event keeps its id, and what was not
//! acknowledged is sent again.

use std::{
    net::SocketAddr,
    ops::Range,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use super::{ledger::Ledger, stock, tally::Tally};
use crate::load::{http::Connection, random::Random};

/// Events of a batch.
const BATCH_EVENTS: u64 = 20;
/// Longer than the service takes to say that it can't.
const ANSWER_LIMIT: Duration = Duration::from_secs(40);
/// Between two tries, at first and at most.
const PAUSES: Range<Duration> = Duration::from_millis(50)..Duration::from_secs(1);

/// What one request carries.
enum Message {
    Events(Range<u64>),
    /// An event that was acknowledged before.
    Again(u64),
    Visit,
    Question,
}

/// What came of one try.
enum Try {
    /// A good answer, and how many events it calls accepted.
    Answered(u64),
    /// It may go well later, and nothing is known of this one.
    Again,
}

pub(super) struct Client {
    address: SocketAddr,
    ledger: Arc<Ledger>,
    random: Random,
    connection: Option<Connection>,
    request: Vec<u8>,
    pub(super) tally: Tally,
}

impl Client {
    pub(super) fn new(address: SocketAddr, ledger: Arc<Ledger>, random: Random) -> Self {
        Self { address, ledger, random, connection: None, request: Vec::new(), tally: Tally::default() }
    }

    /// Sends one request until it is answered well, or it is time to give up. Whether it was a question; none when there
    /// is nothing more to send.
    pub(super) async fn send(&mut self, give_up: Instant) -> Option<bool> {
        let message = self.choose()?;
        self.write(&message);
        let mut pause = PAUSES.start;
        loop {
            // Where there is no connection nothing was sent.
            if self.connect().await.is_err() {
                self.tally.unconnected += 1;
            } else {
                match self.try_once().await {
                    Try::Answered(accepted) => {
                        self.conclude(&message, accepted);
                        return Some(matches!(message, Message::Question));
                    }
                    // It has no id by which it could be sent again.
                    Try::Again if matches!(message, Message::Visit) => {
                        self.ledger.visits_uncertain.fetch_add(1, Ordering::Relaxed);
                        return Some(false);
                    }
                    Try::Again => {}
                }
            }
            if Instant::now() > give_up {
                self.tally.given_up += 1;
                return Some(matches!(message, Message::Question));
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.end);
        }
    }

    /// Of a hundred requests 78 carry an event, 8 a batch, 5 a visit, 3 an event once more, and 6 ask.
    fn choose(&mut self) -> Option<Message> {
        match self.random.below(100) {
            0..78 => self.ledger.take(1).map(Message::Events),
            78..86 => self.ledger.take(BATCH_EVENTS).map(Message::Events),
            86..91 => Some(Message::Visit),
            91..94 => {
                let sent = self.ledger.sent();
                let back = u64::from(self.random.below(sent.clamp(1, 100_000) as u32));
                let number = sent.saturating_sub(1 + back);
                // One that is still on its way is not known to be a duplicate.
                let known = self.ledger.is_acknowledged(number).then_some(Message::Again(number));
                known.or_else(|| self.ledger.take(1).map(Message::Events))
            }
            _ => Some(Message::Question),
        }
    }

    fn write(&mut self, message: &Message) {
        let mut body = Vec::new();
        let target = match message {
            Message::Events(numbers) if numbers.end - numbers.start == 1 => {
                stock::write_event(numbers.start, &mut body);
                "/events"
            }
            Message::Events(numbers) => {
                for number in numbers.clone() {
                    body.push(if body.is_empty() { b'[' } else { b',' });
                    stock::write_event(number, &mut body);
                }
                body.push(b']');
                "/events"
            }
            Message::Again(number) => {
                stock::write_event(*number, &mut body);
                "/events"
            }
            Message::Visit => {
                body.extend_from_slice(stock::visit(self.random.next_u64()).as_bytes());
                "/visits"
            }
            Message::Question => return self.write_question(),
        };
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        self.request.clear();
        self.request.extend_from_slice(head.as_bytes());
        self.request.extend_from_slice(&body);
    }

    fn write_question(&mut self) {
        let page = stock::page_url(self.random.next_u64());
        let target = match self.random.below(4) {
            0 => "/analytics/summary?window=1h".to_owned(),
            1 => "/analytics/pages?window=1h&limit=20".to_owned(),
            2 => "/events?limit=50&order=desc".to_owned(),
            _ => format!("/analytics/visitors?url={page}"),
        };
        self.request = format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address).into_bytes();
    }

    async fn connect(&mut self) -> Result<(), crate::load::Failure> {
        if self.connection.is_none() {
            self.connection = Some(timeout(ANSWER_LIMIT, Connection::open(self.address)).await??);
        }
        Ok(())
    }

    async fn try_once(&mut self) -> Try {
        let Some(connection) = &mut self.connection else { return Try::Again };
        match timeout(ANSWER_LIMIT, connection.exchange(&self.request)).await {
            Ok(Ok(answer)) if matches!(answer.status, 200 | 201) => Try::Answered(accepted(answer.body)),
            Ok(Ok(answer)) => {
                if matches!(answer.status, 429 | 503) {
                    self.tally.refusals += 1;
                } else {
                    let body = String::from_utf8_lossy(&answer.body[..answer.body.len().min(300)]);
                    let complaint = format!("status {}: {body}", answer.status);
                    self.tally.complain(complaint);
                }
                // The answer may have been the connection's last.
                self.connection = None;
                Try::Again
            }
            Ok(Err(_)) | Err(_) => {
                self.tally.broken += 1;
                self.connection = None;
                Try::Again
            }
        }
    }

    fn conclude(&mut self, message: &Message, accepted: u64) {
        match message {
            Message::Events(numbers) => self.ledger.acknowledge(numbers.clone()),
            Message::Again(_) => {
                self.tally.resent += 1;
                self.tally.lost += accepted;
            }
            Message::Visit => {
                self.ledger.visits.fetch_add(1, Ordering::Relaxed);
            }
            Message::Question => {}
        }
    }
}

/// How many events an answer calls newly stored.
fn accepted(body: &[u8]) -> u64 {
    let Ok(text) = str::from_utf8(body) else { return 0 };
    match text.split_once("\"accepted\":") {
        Some((_, rest)) => {
            let digits = rest.trim_start();
            let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            digits[..end].parse().unwrap_or(0)
        }
        None => u64::from(text.contains("\"status\":\"accepted\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::accepted;

    #[test]
    fn answers_tell_how_many_events_are_new() {
        assert_eq!(accepted(br#"{"event_id":"x","status":"accepted"}"#), 1);
        assert_eq!(accepted(br#"{"event_id":"x","status":"duplicate"}"#), 0);
        assert_eq!(accepted(br#"{"accepted":19,"duplicates":1,"rejected":0,"errors":[]}"#), 19);
        assert_eq!(accepted(b"[]"), 0);
    }
}
