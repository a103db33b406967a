/* Who takes no events loses some, is told how many, and loses no completion. */
#include "room.h"

#define PACKETS 5000
#define CALLS 500

int main(void) {
  struct room room = audio_room("{\"eventCapacity\":100}");
  plenum_event event = PLENUM_EVENT_INIT;
  uint32_t received = 0, lost = 0, completions = 0;
  uint64_t last = 0;
  for (uint32_t i = 0; i < PACKETS; i++) {
    uint8_t bytes[16];
    plenum_bytes packet = {bytes, sizeof bytes};
    opus_packet(bytes, i);
    CHECK_RESULT(plenum_direct_transport_send_rtp(room.sfu, room.in, room.producer, &packet, 1,
                                                  i < CALLS ? NULL : &last),
                 PLENUM_OK);
  }
  /* It does not matter in which order the calls are waited for. */
  CHECK_RESULT(plenum_wait(room.sfu, last, LONG_MS, NULL), PLENUM_OK);
  finished(DONE(room.sfu, plenum_direct_transport_close(room.sfu, room.in, &request)));
  CHECK_RESULT(plenum_sfu_close(room.sfu), PLENUM_OK);
  do {
    CHECK_RESULT(plenum_wait_event(room.sfu, LONG_MS, &event), PLENUM_OK);
    if (event.type == PLENUM_EVENT_RTP) received += (uint32_t)event.packet_count;
    if (event.type == PLENUM_EVENT_COMPLETION) completions++;
    if (event.type == PLENUM_EVENT_LAGGED) {
      CHECK(plenum_event_number(&event, "/count", 0) >= 1);
      lost += (uint32_t)plenum_event_number(&event, "/count", 0);
    }
    last = event.type;
    finished(event);
  } while (last != PLENUM_EVENT_CLOSED);
  /* One of the completions was waited for above. */
  CHECK(completions == PACKETS - 1);
  CHECK(received > 0 && lost > 0 && received < PACKETS);
  /* Other events than packets may be among the lost, but no packet is lost without being counted. */
  CHECK(received + lost >= PACKETS);
  CHECK_RESULT(plenum_sfu_free(room.sfu), PLENUM_OK);
  return 0;
}
