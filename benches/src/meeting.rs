//! One large meeting: everybody hears the three loudest and sees who speaks.

use clap::Args;

use crate::join::{self, Hall, HallOptions, Outcome, SlotCounts, View};
use crate::report::{Cell, Report, Table};

/// What each participant should be sent of the speaker's picture, in kbit/s.
const WANTED_VIDEO: f64 = 150.0;
/// How many people the server lists to a newcomer.
const LISTED: usize = 50;
/// From then on, bytes of signalling per join may differ by so much from the
/// first to the last and still be constant in the number of people.
const CONSTANT: f64 = 1.05;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    hall: HallOptions,
    /// Participants of the one meeting.
    #[arg(long, default_value_t = 1000)]
    people: usize,
    /// How many of them have microphone and camera on.
    #[arg(long, default_value_t = 16)]
    publishers: usize,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Report> {
    let hall = Hall {
        people: options.people,
        publishers: options.publishers,
        slots: SlotCounts { audio: 3, video: 1 },
        view: View::Speaker,
        options: options.hall.clone(),
    };
    let mut report = Report::new("meeting");
    let outcome = hall.run()?;
    report.tables = vec![verdict(&hall, &outcome)];
    report.tables.extend(join::tables(&hall, &outcome));
    report.notes = join::notes(&hall, &outcome);
    Ok(report)
}

/// What was wanted, and whether it was reached.
fn verdict(hall: &Hall, outcome: &Outcome) -> Table {
    let columns = ["wanted", "reached", "value"];
    let mut table = Table::new(format!("One meeting of {}", hall.people), &columns);
    let mut add = |wanted: &str, reached: bool, value: String| {
        let reached = if reached { "yes" } else { "no" };
        table.rows.push(vec![
            Cell::Text(wanted.to_owned()),
            Cell::Text(reached.to_owned()),
            Cell::Text(value),
        ]);
    };
    let connected = outcome.connected().count();
    let seconds = outcome.measured.as_secs_f64().max(1e-3);
    add("everybody connected", connected == hall.people, format!("{connected}"));
    let hears = outcome.connected().filter(|person| person.received.audio_packets > 0).count();
    add("everybody hears the speakers", hears == hall.people, format!("{hears}"));
    let sees = |person: &&join::PersonReport| {
        person.received.video_bytes as f64 * 8.0 / seconds / 1e3 >= WANTED_VIDEO
    };
    let sees = outcome.connected().filter(sees).count();
    add(
        "the speaker's video at 150 kbit/s or more to each",
        sees == hall.people,
        format!("{sees}"),
    );
    let own: Vec<_> = outcome.connected().map(|person| person.join.bytes as f64).collect();
    let tenth = own.len().div_ceil(10).max(1);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
    // Until then a newcomer is told of everybody, of whom there are ever more.
    let told = if own.len() >= 2 * LISTED { &own[LISTED..] } else { &own[..] };
    let first = mean(&told[..tenth.min(told.len())]);
    let last = mean(&told[told.len().saturating_sub(tenth)..]);
    add(
        "bytes of signalling per join constant in the number of people",
        last <= first * CONSTANT,
        format!("{first:.0} once {LISTED} are in, {last:.0} at last"),
    );
    let all = join::total(outcome);
    add("nothing lost", all.lost == 0, format!("{:.4} %", all.loss() * 100.0));
    add("no freeze", all.freezes == 0, all.freezes.to_string());
    add("no break", all.breaks.total() == 0, all.breaks.total().to_string());
    table
}
