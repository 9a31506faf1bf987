//! Real PostgreSQL archives to a folder and to a bucket, and recovers from them.

mod barman;
mod named;
mod outage;
mod recovery;
mod site;

use self::site::Site;
