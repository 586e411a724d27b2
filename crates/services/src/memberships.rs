//! From a posted body to users in segments and a verdict on each.

use std::sync::Arc;

use footfall_domain::json::Scanner;
use footfall_domain::membership::{Joined, Membership, Unusable};
use footfall_domain::problem::{Code, FieldError};
use footfall_ports::{Clock, Segments};
use serde::Serialize;

use crate::ingest::{IngestError, Limits, utf8};

/// Takes users into segments: checks them, has them stored, reports.
pub struct Memberships {
    segments: Arc<dyn Segments>,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

/// What became of an array. The members are those of the API's answer.
#[derive(PartialEq, Eq, Debug, Default, Serialize)]
pub struct MembershipReport {
    /// Users put in a segment now.
    pub created: usize,
    /// Users who were known there, and whose expiry is the new one now.
    pub renewed: usize,
    /// Items that can't be taken.
    pub rejected: usize,
    /// What is wrong with each of those.
    pub errors: Vec<RejectedMembership>,
}

/// A rejected item of an array.
#[derive(PartialEq, Eq, Debug, Serialize)]
pub struct RejectedMembership {
    /// Its place in the array, from 0.
    pub index: usize,
    /// The user as the client wrote it, where it did.
    #[serde(rename = "ID")]
    pub user: Option<String>,
    /// Everything that is wrong with it.
    pub errors: Vec<FieldError>,
}

/// What a body turned out to hold.
#[derive(PartialEq, Eq, Debug)]
pub enum JoinedItem {
    /// One user, as stored.
    One(Membership, Joined),
    /// An array.
    Many(MembershipReport),
}

impl Memberships {
    /// Wires the service.
    pub fn new(segments: Arc<dyn Segments>, clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self { segments, clock, limits }
    }

    /// Takes in a JSON body: one user, or an array of them.
    ///
    /// # Errors
    /// [`IngestError`]; nothing was stored, or after an error of the store perhaps all of it. Sending it again is safe.
    pub async fn json(&self, body: &[u8]) -> Result<JoinedItem, IngestError> {
        let now = self.clock.now();
        let mut scanner = Scanner::new(utf8(body)?);
        if scanner.peek() != b'[' {
            let read = Membership::read(&mut scanner, now)?;
            scanner.end()?;
            let membership = read.map_err(|Unusable { errors, .. }| IngestError::Invalid(errors))?;
            let joined = self.segments.join(vec![membership.clone()]).await?;
            let joined = joined.first().copied().unwrap_or(Joined::Renewed);
            return Ok(JoinedItem::One(membership, joined));
        }
        let (mut memberships, mut report, mut index) = (Vec::new(), MembershipReport::default(), 0);
        scanner.array(|scanner| {
            let read = Membership::read(scanner, now)?;
            // One too many: the request is refused whole, so what else it holds need only be counted.
            if index < self.limits.batch_events {
                match read {
                    Ok(membership) => memberships.push(membership),
                    Err(Unusable { user, errors }) => {
                        report.errors.push(RejectedMembership { index, user, errors });
                    }
                }
            }
            index += 1;
            Ok(())
        })?;
        scanner.end()?;
        if index > self.limits.batch_events {
            return Err(IngestError::TooManyEvents(self.limits.batch_events));
        }
        if index == 0 {
            let error = FieldError::new("", Code::EmptyBatch, "an array holds at least one user");
            return Err(IngestError::Invalid(vec![error]));
        }
        report.rejected = report.errors.len();
        if !memberships.is_empty() {
            let joined = self.segments.join(memberships).await?;
            report.created = joined.iter().filter(|joined| **joined == Joined::Created).count();
            report.renewed = joined.len() - report.created;
        }
        Ok(JoinedItem::Many(report))
    }
}
