//! What the kernel knows: CPU time and memory of a process, datagrams that it
//! threw away.

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// CPU time of a process so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CpuTime {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
    /// The share of both that its media threads used.
    pub(crate) media: Duration,
}

impl CpuTime {
    /// Of the process `pid`; its media threads are called `sfu-shard-…`.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let (user, system) = times(&format!("/proc/{pid}/stat"))?;
        let mut media = Duration::ZERO;
        for task in fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
            let path = task.path();
            let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
            if name.starts_with("sfu-shard-") {
                // A thread that has ended meanwhile counts no more.
                let used = times(&path.join("stat").to_string_lossy());
                media += used.map_or(Duration::ZERO, |(user, system)| user + system);
            }
        }
        Ok(Self { user, system, media })
    }

    pub(crate) fn total(&self) -> Duration {
        self.user + self.system
    }

    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
            media: self.media.saturating_sub(earlier.media),
        }
    }
}

fn times(path: &str) -> anyhow::Result<(Duration, Duration)> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    parse_times(&text, rustix::param::clock_ticks_per_second())
        .with_context(|| format!("unexpected format of {path}"))
}

/// User and system time in the text of `stat` (proc_pid_stat(5)). The name of
/// the program stands in parentheses and may hold anything.
fn parse_times(text: &str, ticks_per_second: u64) -> Option<(Duration, Duration)> {
    let (_, rest) = text.rsplit_once(") ")?;
    let mut words = rest.split(' ').skip(11).map_while(|word| word.parse::<u64>().ok());
    let time = |ticks: u64| Duration::from_millis(ticks * 1_000 / ticks_per_second.max(1));
    Some((time(words.next()?), time(words.next()?)))
}

/// Resident memory of a process in bytes.
pub(crate) fn resident(pid: u32) -> anyhow::Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    Ok(kilobytes.context("unexpected format of status")? * 1_024)
}

/// Datagrams that found the buffer of their socket full since the machine's
/// start: of all sockets of this network namespace.
pub(crate) fn dropped_datagrams() -> u64 {
    let text = fs::read_to_string("/proc/net/snmp").unwrap_or_default();
    parse_dropped(&text).unwrap_or(0)
}

fn parse_dropped(text: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let at = lines.next()?.split(' ').position(|name| name == "RcvbufErrors")?;
    lines.next()?.split(' ').nth(at)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_whatever_the_program_is_called() {
        let text = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 2 3 4 150 25 5 6 20 0 3 0 99";
        let expected = (Duration::from_millis(1_500), Duration::from_millis(250));
        assert_eq!(parse_times(text, 100), Some(expected));
        assert_eq!(parse_times("7 (a) S 1", 100), None);
    }

    #[test]
    fn drops_are_found_by_name() {
        let text = "Tcp: A B\nTcp: 1 2\nUdp: InDatagrams NoPorts InErrors OutDatagrams \
                    RcvbufErrors SndbufErrors\nUdp: 1 2 3 4 5 6\nUdpLite: A\nUdpLite: 1\n";
        assert_eq!(parse_dropped(text), Some(5));
        assert_eq!(parse_dropped(""), None);
    }

    #[test]
    fn this_process_has_used_some_time_and_memory() {
        let pid = std::process::id();
        assert!(CpuTime::of(pid).is_ok());
        assert!(resident(pid).unwrap() > 100_000);
    }
}
