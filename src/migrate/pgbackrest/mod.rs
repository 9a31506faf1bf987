//! To Dalibo's pgBackRest plugin.

use super::{Choices, desk::Desk};
use crate::lint::system::Cluster;

/// Plans the move of these clusters.
pub(super) fn plan<'a>(_desk: &mut Desk<'a>, _clusters: &[&'a Cluster<'a>], _choices: &Choices) {}
