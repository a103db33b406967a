//! Once its streams are known, a packet's way through SRTP, the pool, the ring
//! and the arena allocates nothing.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use sfu_core::wire::ExtSeq;
use sfu_core::wire::buf::{EgressArena, PacketRing, Pool, PoolOptions};
use sfu_core::wire::srtp::{Inbound, Outbound, SrtpProfile};
use sfu_ice::{Protocol, Time, Tuple};

thread_local! {
    /// Of this thread: the test harness allocates in its own.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.set(ALLOCATIONS.get() + 1);
}

struct Counting;

// SAFETY: every call is passed on to the system allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from `System` with this layout.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: `at` came from `System` with this layout.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Fewer with RustCrypto, which crawls in a build without optimisation.
const PACKETS: u32 = if cfg!(feature = "crypto-aws-lc-rs") { 100_000 } else { 1_000 };
const LEN: usize = 1200;
const SSRCS: u32 = 16;

#[test]
fn a_packet_allocates_nothing_in_steady_state() {
    for profile in SrtpProfile::ALL {
        let (key, salt) = (vec![1; profile.key_len()], vec![2; profile.salt_len()]);
        let mut outbound = Outbound::new(profile, &key, &salt).unwrap();
        let mut inbound = Inbound::new(profile, &key, &salt).unwrap();
        let mut pool = Pool::new(PoolOptions::default());
        let mut ring = PacketRing::new(512);
        let mut arena = EgressArena::new(64 * 1024, 64);
        let address = |host| ([192, 0, 2, host], 4000).into();
        let to = Tuple::new(Protocol::Udp, address(1), address(2));

        let mut turn = |number: u32| {
            arena.begin(to);
            if arena.reserve(LEN + Outbound::MAX_OVERHEAD).is_none() {
                arena.clear();
                arena.begin(to);
            }
            let packet = arena.reserve(LEN + Outbound::MAX_OVERHEAD).unwrap();
            let [s0, s1] = ((number / SSRCS) as u16).to_be_bytes();
            packet[..12].copy_from_slice(&[0x80, 96, s0, s1, 0, 0, 0, 0, 0, 0, 0, 0]);
            packet[11] = (number % SSRCS) as u8;
            let sealed = outbound.protect_rtp(packet, LEN).unwrap();
            let opened = inbound.unprotect_rtp(&mut packet[..sealed]).unwrap();
            assert_eq!(opened, LEN);
            let slot = pool.store(&packet[..opened]).unwrap();
            let now = Time::from_micros(u64::from(number));
            ring.insert(&mut pool, ExtSeq(u64::from(number)), slot, now, number);
            packet[..8].copy_from_slice(&[0x80, 201, 0, 1, 0, 0, 0, 7]);
            let sealed = outbound.protect_rtcp(packet, 8).unwrap();
            assert_eq!(inbound.unprotect_rtcp(&mut packet[..sealed]), Ok(8));
            assert!(arena.commit(LEN));
        };
        for number in 0..1000 {
            turn(number);
        }
        let before = ALLOCATIONS.get();
        for number in 1000..1000 + PACKETS {
            turn(number);
        }
        assert_eq!(ALLOCATIONS.get() - before, 0, "{profile:?}");
        assert!(before > 0, "the counter works");
    }
}
