//! pgbench: its tables, a load that goes on, and what must be true of the tables.

use std::process::{Child, Stdio};

use super::{Server, succeed};

/// pgbench at work, ended when dropped.
#[derive(Debug)]
pub(crate) struct Load(Child);

/// How many rows each table has, and what is in them.
const CONTENT: &str = "select \
    (select concat(count(*), '/', sum(hashtext(a::text)::bigint)) from pgbench_accounts as a), \
    (select concat(count(*), '/', sum(hashtext(b::text)::bigint)) from pgbench_branches as b), \
    (select concat(count(*), '/', sum(hashtext(t::text)::bigint)) from pgbench_tellers as t), \
    (select concat(count(*), '/', sum(hashtext(h::text)::bigint)) from pgbench_history as h)";

/// What each transaction adds everywhere; it is the same in all tables only if none is torn.
const BALANCES: &str = "select count(distinct balance) from (values \
    ((select sum(abalance) from pgbench_accounts)), ((select sum(bbalance) from pgbench_branches)), \
    ((select sum(tbalance) from pgbench_tellers)), ((select sum(delta) from pgbench_history)) \
    ) as balances (balance)";

impl Server {
    /// Makes pgbench's tables, with their rows in a tablespace and their indexes outside.
    #[track_caller]
    pub(crate) fn make_accounts(&self, tablespace: &str) {
        let place = format!("--tablespace={tablespace}");
        let pgbench = &mut self.client("pgbench");
        succeed(pgbench.args(["--initialize", "--quiet", &place, "postgres"]));
    }

    /// Starts a load that goes on.
    pub(crate) fn load(&self) -> Load {
        let pgbench = &mut self.client("pgbench");
        pgbench.args(["--no-vacuum", "--client=2", "--rate=100", "--time=3600"]);
        pgbench.stdout(Stdio::null()).stderr(Stdio::null());
        Load(pgbench.arg("postgres").spawn().unwrap())
    }

    /// Returns how many transactions the load has committed.
    #[track_caller]
    pub(crate) fn transactions(&self) -> u64 {
        let count = self.sql("select count(*) from pgbench_history");
        count.parse().unwrap()
    }

    /// Returns what is in pgbench's tables.
    #[track_caller]
    pub(crate) fn accounts(&self) -> String {
        self.sql(CONTENT)
    }

    /// Holds the load still: returns what an expression is at that moment, and what is in pgbench's
    /// tables then.
    #[track_caller]
    pub(crate) fn held_still(&self, expression: &str) -> (String, String) {
        let answers = self.sql(&format!(
            "begin; \
             lock table pgbench_accounts, pgbench_tellers, pgbench_branches, pgbench_history \
             in exclusive mode; \
             select {expression}; {CONTENT}; \
             commit"
        ));
        let (value, content) = answers.split_once('\n').unwrap();
        (value.to_owned(), content.to_owned())
    }

    /// Checks that no transaction of the load is torn.
    #[track_caller]
    pub(crate) fn assert_balanced(&self) {
        assert_eq!(self.sql(BALANCES), "1");
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may have ended with its server.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
