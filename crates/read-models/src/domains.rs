//! What became of the mails to each domain.

use footfall_domain::answers::DomainCounts;

use crate::models::ReadModels;

/// The mails to one domain; 8 bytes. There are no more than rows, of which 2³² would take 80 GiB.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mails {
    delivered: u32,
    bounced: u32,
}

impl Mails {
    const fn place(&mut self, bounced: bool) -> &mut u32 {
        if bounced { &mut self.bounced } else { &mut self.delivered }
    }

    pub(crate) const fn add(&mut self, bounced: bool) {
        let place = self.place(bounced);
        *place = place.saturating_add(1);
    }

    pub(crate) const fn take(&mut self, bounced: bool) {
        let place = self.place(bounced);
        *place = place.saturating_sub(1);
    }
}

impl ReadModels {
    /// What became of the mails to a domain, given in its normal form.
    pub fn domain(&self, domain: &str) -> DomainCounts {
        self.domains.get(domain).map_or_else(DomainCounts::default, |domain| self.mails(domain))
    }

    pub(crate) fn mails(&self, domain: u32) -> DomainCounts {
        let mails = self.by_domain.get(domain as usize).copied().unwrap_or_default();
        DomainCounts { delivered: mails.delivered.into(), bounced: mails.bounced.into() }
    }
}
