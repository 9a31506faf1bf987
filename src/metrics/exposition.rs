//! Families of metrics, written one after the other.

use std::fmt;

use jiff::Timestamp;
use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeGaugeValue, MetricEncoder, NoLabelSet},
    metrics::MetricType,
    registry::Unit,
};

use crate::store::Latency;

/// The label of a destination's name.
pub(super) const DESTINATION: &str = "destination";

/// A label and its value.
pub(super) type Label<'a> = (&'static str, &'a str);

/// What all samples of one name have in common.
pub(super) struct Family {
    name: &'static str,
    unit: Option<Unit>,
    help: &'static str,
}

impl Family {
    /// A number of things.
    pub(super) const fn of(name: &'static str, help: &'static str) -> Self {
        let unit = None;
        Self { name, unit, help }
    }

    /// Bytes; `_bytes` follows the name.
    pub(super) const fn bytes(name: &'static str, help: &'static str) -> Self {
        let unit = Some(Unit::Bytes);
        Self { name, unit, help }
    }

    /// Seconds; `_seconds` follows the name.
    pub(super) const fn seconds(name: &'static str, help: &'static str) -> Self {
        let unit = Some(Unit::Seconds);
        Self { name, unit, help }
    }
}

/// The text that comes about.
pub(super) struct Exposition<'a>(DescriptorEncoder<'a>);

impl<'a> Exposition<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// Writes a family of one sample without labels, if there is a value.
    pub(super) fn gauge(
        &mut self,
        family: &Family,
        value: Option<impl EncodeGaugeValue>,
    ) -> fmt::Result {
        match value {
            Some(value) => self
                .describe(family, MetricType::Gauge)?
                .encode_gauge(&value),
            None => Ok(()),
        }
    }

    /// Writes a family of gauges; none if there are no samples.
    pub(super) fn gauges<'l, const N: usize>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = ([Label<'l>; N], impl EncodeGaugeValue)>,
    ) -> fmt::Result {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return Ok(());
        }
        let mut encoder = self.describe(family, MetricType::Gauge)?;
        samples.try_for_each(|(labels, value)| encoder.encode_family(&labels)?.encode_gauge(&value))
    }

    /// Writes a family of counters; none if there are no samples.
    pub(super) fn counters<'l, const N: usize>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = ([Label<'l>; N], u64)>,
    ) -> fmt::Result {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return Ok(());
        }
        let mut encoder = self.describe(family, MetricType::Counter)?;
        samples.try_for_each(|(labels, value)| {
            let mut encoder = encoder.encode_family(&labels)?;
            encoder.encode_counter::<NoLabelSet, _, u64>(&value, None)
        })
    }

    /// Writes a family of histograms; none if there are no samples.
    pub(super) fn histograms<'l, const N: usize>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = ([Label<'l>; N], Latency)>,
    ) -> fmt::Result {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return Ok(());
        }
        let bounds = Latency::BOUNDS.map(|bound| bound.as_secs_f64());
        let bounds: Vec<f64> = bounds.into_iter().chain([f64::INFINITY]).collect();
        let mut encoder = self.describe(family, MetricType::Histogram)?;
        samples.try_for_each(|(labels, latency)| {
            let counts = bounds.iter().copied().zip(latency.buckets);
            let buckets: Vec<(f64, u64)> = counts.collect();
            let (sum, count) = (latency.sum.as_secs_f64(), latency.count());
            let mut encoder = encoder.encode_family(&labels)?;
            encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
        })
    }

    fn describe<'s>(
        &'s mut self,
        family: &'s Family,
        kind: MetricType,
    ) -> Result<MetricEncoder<'s>, fmt::Error> {
        let unit = family.unit.as_ref();
        self.0
            .encode_descriptor(family.name, family.help, unit, kind)
    }
}

/// Destinations by their names, each with what a family has a sample of if it has a value.
pub(super) struct Each<'a, T>(pub(super) Vec<(&'a str, &'a T)>);

impl<T> Each<'_, T> {
    pub(super) fn gauges<V: EncodeGaugeValue>(
        &self,
        to: &mut Exposition<'_>,
        family: &Family,
        value: impl Fn(&T) -> Option<V>,
    ) -> fmt::Result {
        let samples = self
            .0
            .iter()
            .filter_map(|(id, one)| Some(([(DESTINATION, *id)], value(one)?)));
        to.gauges(family, samples)
    }

    pub(super) fn moments(
        &self,
        to: &mut Exposition<'_>,
        family: &Family,
        moment: impl Fn(&T) -> Option<Timestamp>,
    ) -> fmt::Result {
        self.gauges(to, family, |one| moment(one).map(unix))
    }
}

/// Returns a moment in seconds since 1970.
pub(super) fn unix(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
