//! The benchmark `join`, and the figures that it shares with `meeting`.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;

use super::camera::LAYERS;
use super::crowd::PersonReport;
use super::hall::{Hall, HallOptions, Outcome, View};
use super::histogram::Histogram;
use super::measure::Received;
use super::sdp::SlotCounts;
use crate::report::{Cell, Report, Table};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    hall: HallOptions,
    /// Participants.
    #[arg(long, default_value_t = 10)]
    people: usize,
    /// How many of them send microphone and camera. Default: all.
    #[arg(long)]
    publishers: Option<usize>,
    /// Audio slots of each.
    #[arg(long, default_value_t = 8)]
    audio_slots: usize,
    /// Video slots of each.
    #[arg(long, default_value_t = 16)]
    video_slots: usize,
    /// What everybody looks at.
    #[arg(long, value_enum, default_value_t = View::Gallery)]
    view: View,
}

pub(crate) fn run(options: &Options) -> anyhow::Result<Report> {
    let hall = Hall {
        people: options.people,
        publishers: options.publishers.unwrap_or(options.people),
        slots: SlotCounts { audio: options.audio_slots, video: options.video_slots },
        view: options.view,
        options: options.hall.clone(),
    };
    let mut report = Report::new("join");
    let outcome = hall.run()?;
    report.tables = tables(&hall, &outcome);
    report.notes = notes(&hall, &outcome);
    report.failed = outcome.connected().count() < hall.people;
    Ok(report)
}

/// Everything that was measured.
pub(crate) fn tables(hall: &Hall, outcome: &Outcome) -> Vec<Table> {
    vec![joins(hall, outcome), signaling(outcome), media(outcome), cpu(outcome)]
}

/// What the reader must know, and what went wrong.
pub(crate) fn notes(hall: &Hall, outcome: &Outcome) -> Vec<String> {
    let rates: Vec<_> = LAYERS.iter().map(|(_, rate)| (rate / 1_000).to_string()).collect();
    let mut notes = vec![
        format!(
            "{} participants, {} of them with microphone and camera (VP8 at {} kbit/s, Opus); each with {} audio and {} video slots, looking at: {:?}.",
            hall.people, hall.publishers.min(hall.people), rates.join(", "), hall.slots.audio, hall.slots.video, hall.view
        ),
        "Server and participants run on the same machine, over loopback, and share its processors."
            .to_owned(),
        "Residence: from the publisher's call to the kernel to the arrival in the receiver's socket, which the kernel notes.".to_owned(),
        "Freeze: more than 300 ms without a whole frame on a video slot that has a source. Break: a picture id, TL0PICIDX, timestamp, frame or key frame that a decoder would trip over without any loss.".to_owned(),
    ];
    if hall.options.sample > 1 {
        notes.push(format!(
            "Only one participant in {} authenticated, decrypted and checked what it got; the others looked at headers alone, and their retransmissions count as lost.",
            hall.options.sample
        ));
    } else {
        notes.push("Every participant authenticated and decrypted every packet.".to_owned());
    }
    let mut trouble: BTreeMap<String, usize> = BTreeMap::new();
    let failures = outcome.people.iter().filter_map(|person| person.failure.clone());
    for text in outcome.refused.iter().cloned().chain(failures) {
        *trouble.entry(format!("lost: {text}")).or_default() += 1;
    }
    for text in outcome.people.iter().flat_map(|person| &person.errors) {
        *trouble.entry(format!("refused by the server: {text}")).or_default() += 1;
    }
    let silent = outcome
        .people
        .iter()
        .filter(|person| person.join.connected.is_none() && person.failure.is_none());
    let silent = silent.count();
    if silent > 0 {
        *trouble.entry("not connected in time".to_owned()).or_default() += silent;
    }
    notes.extend(trouble.into_iter().take(12).map(|(text, times)| format!("{times} x {text}")));
    notes.extend(outcome.warnings.iter().take(5).map(|line| format!("the server: {line}")));
    notes
}

fn joins(hall: &Hall, outcome: &Outcome) -> Table {
    let mut table = Table::new("The join storm", &["figure", "value", "unit"]);
    let connected = outcome.connected().count();
    let mut times = Histogram::default();
    for person in outcome.connected() {
        if let Some(connected) = person.join.connected {
            times.add(connected - person.join.began);
        }
    }
    row(&mut table, "participants", hall.people as f64, 0, "");
    row(&mut table, "connected", connected as f64, 0, "");
    row(&mut table, "all in after", outcome.storm.as_secs_f64(), 2, "s");
    let rate = connected as f64 / outcome.storm.as_secs_f64().max(1e-3);
    row(&mut table, "rate", rate, 0, "joins/s");
    for (name, share) in [("median", 0.5), ("p99", 0.99)] {
        row(&mut table, &format!("one join, {name}"), millis(&times, share), 0, "ms");
    }
    if let Some([storm, _]) = outcome.server_cpu {
        let each = storm.total().as_secs_f64() * 1e3 / connected.max(1) as f64;
        row(&mut table, "server CPU per join", each, 2, "ms");
    }
    table
}

fn signaling(outcome: &Outcome) -> Table {
    let columns = ["joins", "own bytes, median", "own bytes, max", "news of others, median"];
    let mut table = Table::new("Bytes of signalling per join, by order of the join", &columns);
    let people: Vec<&PersonReport> = outcome.connected().collect();
    let tenth = people.len().div_ceil(10).max(1);
    let tenths: Vec<&[&PersonReport]> = people.chunks(tenth).collect();
    for (number, chunk) in tenths.iter().enumerate() {
        // The first, a middle one and the last say it.
        let last = tenths.len() - 1;
        if number != 0 && number != last / 2 && number != last {
            continue;
        }
        let sorted = |value: fn(&PersonReport) -> u64| {
            let mut all: Vec<_> = chunk.iter().map(|person| value(person)).collect();
            all.sort_unstable();
            all
        };
        let (own, news) = (sorted(|p| p.join.bytes), sorted(|p| p.join.news_bytes));
        let from = number * tenth + 1;
        table.rows.push(vec![
            Cell::Text(format!("{from} to {}", from + chunk.len() - 1)),
            Cell::Number(own[own.len() / 2] as f64, 0),
            Cell::Number(own[own.len() - 1] as f64, 0),
            Cell::Number(news[news.len() / 2] as f64, 0),
        ]);
    }
    table
}

fn media(outcome: &Outcome) -> Table {
    let seconds = outcome.measured.as_secs_f64().max(1e-3);
    let title = format!("Media over {seconds:.0} s");
    let mut table = Table::new(title, &["figure", "value", "unit"]);
    let all = total(outcome);
    let mut video: Vec<f64> = outcome
        .connected()
        .map(|person| person.received.video_bytes as f64 * 8.0 / seconds / 1e3)
        .collect();
    video.sort_by(f64::total_cmp);
    row(&mut table, "packets received", all.packets as f64 / seconds, 0, "/s");
    row(&mut table, "of audio", all.audio_packets as f64 / seconds, 0, "/s");
    row(&mut table, "of video", all.video_packets as f64 / seconds, 0, "/s");
    for (name, share) in [("least", 0.0), ("p1", 0.01), ("median", 0.5)] {
        let at = (video.len() as f64 * share) as usize;
        let value = video.get(at).copied().unwrap_or(0.0);
        row(&mut table, &format!("video to each, {name}"), value, 0, "kbit/s");
    }
    for (kind, histogram) in
        [("audio", &outcome.residence.audio), ("video", &outcome.residence.video)]
    {
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            row(
                &mut table,
                &format!("residence of {kind}, {name}"),
                millis(histogram, share),
                2,
                "ms",
            );
        }
    }
    let stamped = outcome.residence.audio.total() + outcome.residence.video.total();
    row(&mut table, "packets with a known residence", stamped as f64 / seconds, 0, "/s");
    row(&mut table, "lost", all.loss() * 100.0, 4, "%");
    row(&mut table, "repaired by retransmission", all.repaired as f64, 0, "packets");
    row(&mut table, "not authentic or not RTP", all.rejected as f64, 0, "packets");
    row(&mut table, "twice or too late", all.late as f64, 0, "packets");
    row(&mut table, "frames shown", all.frames as f64 / seconds, 0, "/s");
    row(&mut table, "switches of source or layer", all.switches as f64, 0, "");
    row(&mut table, "freezes", all.freezes as f64, 0, "");
    let each = all.frozen.as_secs_f64() / outcome.connected().count().max(1) as f64;
    row(&mut table, "frozen, per participant", each, 2, "s");
    row(&mut table, "slots that stayed blank", all.blank as f64, 0, "");
    row(&mut table, "breaks", all.breaks.total() as f64, 0, "");
    let breaks = all.breaks;
    for (name, value) in [
        ("switch without key frame", breaks.no_key_frame),
        ("picture id", breaks.picture_id),
        ("TL0PICIDX", breaks.tl0_pic_idx),
        ("timestamp", breaks.timestamp),
        ("torn frame", breaks.torn),
    ] {
        if value > 0 {
            row(&mut table, &format!("breaks: {name}"), value as f64, 0, "");
        }
    }
    let publishers = outcome.people.iter();
    let asked = publishers.clone().map(|person| person.key_frames_on_request).sum::<u64>();
    let repaired = publishers.map(|person| person.repaired).sum::<u64>();
    row(&mut table, "key frames asked of publishers, in all", asked as f64, 0, "");
    row(&mut table, "packets asked of publishers again, in all", repaired as f64, 0, "");
    row(&mut table, "sent by participants", outcome.sent.datagrams as f64 / seconds, 0, "/s");
    row(&mut table, "not taken by the kernel", outcome.sent.refused as f64, 0, "packets");
    row(&mut table, "dropped by full sockets", outcome.dropped[1] as f64, 0, "packets");
    table
}

fn cpu(outcome: &Outcome) -> Table {
    let columns = ["process", "phase", "user s/s", "system s/s", "sum s/s", "of it media threads"];
    let mut table = Table::new("CPU time per second; 1 is one core", &columns);
    let phases = [("joining", outcome.storm), ("meeting", outcome.measured)];
    let mut add = |name: &str, used: &[super::kernel::CpuTime; 2], media: bool| {
        for ((phase, time), used) in phases.iter().zip(used) {
            let per = |part: Duration| part.as_secs_f64() / time.as_secs_f64().max(1e-3);
            let shards =
                if media { Cell::Number(per(used.media), 2) } else { Cell::Text("-".to_owned()) };
            table.rows.push(vec![
                Cell::Text(name.to_owned()),
                Cell::Text((*phase).to_owned()),
                Cell::Number(per(used.user), 2),
                Cell::Number(per(used.system), 2),
                Cell::Number(per(used.total()), 2),
                shards,
            ]);
        }
    };
    if let Some(used) = &outcome.server_cpu {
        add("server", used, true);
    }
    add("participants", &outcome.own_cpu, false);
    if let Some([before, after]) = outcome.server_memory {
        let each = after.saturating_sub(before) as f64 / outcome.people.len().max(1) as f64;
        table.title += &format!(
            "; memory of the server {:.0} MB, {:.0} kB per participant",
            after as f64 / 1e6,
            each / 1e3
        );
    }
    table
}

pub(crate) fn total(outcome: &Outcome) -> Received {
    let mut all = Received::default();
    outcome.connected().for_each(|person| all.add(&person.received));
    all
}

fn row(table: &mut Table, name: &str, value: f64, decimals: usize, unit: &str) {
    let (name, unit) = (Cell::Text(name.to_owned()), Cell::Text(unit.to_owned()));
    table.rows.push(vec![name, Cell::Number(value, decimals), unit]);
}

pub(crate) fn millis(histogram: &Histogram, share: f64) -> f64 {
    histogram.quantile(share).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}
