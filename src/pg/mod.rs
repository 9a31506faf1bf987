//! Facts about PostgreSQL.
