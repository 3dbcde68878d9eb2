//! Keeps each span and event of this process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

/// A span or an event, of any crate.
#[derive(Debug, Clone, Default)]
pub struct Told {
    pub is_event: bool,
    pub level: String,
    pub target: String,
    /// A span's name, an event's message.
    pub text: String,
    /// The fields that the place declares, whether they have a value or not.
    pub declared: Vec<&'static str>,
    pub values: BTreeMap<&'static str, String>,
    /// The name of the span around.
    pub within: Option<&'static str>,
}

/// Spans by their ids, events by none.
type Place = (Option<Id>, Told);

#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<Place>>>);

impl Seen {
    /// From now on.
    pub fn start() -> Self {
        let seen = Self::default();
        tracing_subscriber::registry().with(seen.clone()).init();
        seen
    }

    pub fn all(&self) -> Vec<Told> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().map(|(_, told)| told.clone()).collect()
    }

    fn with(&self, act: impl FnOnce(&mut Vec<Place>)) {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Seen {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut told = Told::of(span.metadata());
        told.within = context
            .span(id)
            .and_then(|span| Some(span.parent()?.name()));
        told.text = span.metadata().name().to_owned();
        span.record(&mut told);
        self.with(|seen| seen.push((Some(id.clone()), told)));
    }

    fn on_record(&self, id: &Id, record: &Record<'_>, _: Context<'_, S>) {
        self.with(|seen| {
            // Ids are used again; the last one is alive.
            let span = seen.iter_mut().rev();
            let mut span = span.filter(|(known, _)| known.as_ref() == Some(id));
            if let Some((_, told)) = span.next() {
                record.record(told);
            }
        });
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut told = Told::of(event.metadata());
        told.is_event = true;
        told.within = context.event_span(event).map(|span| span.name());
        event.record(&mut told);
        told.text = told.values.remove("message").unwrap_or_default();
        told.declared.retain(|field| *field != "message");
        self.with(|seen| seen.push((None, told)));
    }
}

impl Told {
    fn of(place: &'static tracing::Metadata<'static>) -> Self {
        Self {
            level: place.level().to_string(),
            target: place.target().to_owned(),
            declared: place.fields().iter().map(|field| field.name()).collect(),
            ..Self::default()
        }
    }

    pub fn value(&self, field: &str) -> &str {
        self.values.get(field).map_or("", String::as_str)
    }

    /// With nothing escaped.
    pub fn as_line(&self) -> String {
        let values = self.values.iter();
        let values: String = values
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        format!("{} {} {}{values}\n", self.level, self.target, self.text)
    }

    pub fn is_ours(&self) -> bool {
        self.target.starts_with("tower_spnego")
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.values.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.values.insert(field.name(), value.to_owned());
    }
}
