//! Generated traffic as a site, a mail system and a segmentation have it: popular pages and rarely seen ones, visitors
//! who come back, nights that are quiet. For the commands that fill a server with events.
//!
//! Everything is a function of a [`Seed`], of options and of the times that are passed in: the same ones give the same
//! bytes, on every machine and in every version that doesn't say otherwise. So there is no I/O here, no clock, nothing
//! asynchronous, and no floating-point function that may differ between machines: only addition, subtraction,
//! multiplication and division.

mod ids;
mod mail;
mod random;
mod site;
mod text;
mod times;
mod users;
mod zipf;

pub use mail::{Mail, MailEvent};
pub use random::Seed;
pub use site::{Site, SiteOptions};
pub use times::Spread;
pub use users::Users;
