//! Barman Cloud's layout.
