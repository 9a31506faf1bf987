//! Real PostgreSQL archives to a folder and to a bucket, recovers from them, and is asked by SQL.

mod backup;
mod barman;
mod named;
mod outage;
mod recovery;
mod server;
mod site;

use self::site::Site;
