/* A router that goes on in another SFU: with the same ids and numbers. */
#include "room.h"

static uint16_t seq_of_next(plenum_sfu *sfu, struct room *room, uint32_t number) {
  uint8_t bytes[16];
  plenum_bytes packet = {bytes, sizeof bytes};
  opus_packet(bytes, number);
  finished(DONE(sfu, plenum_direct_transport_send_rtp(sfu, room->in, room->producer, &packet, 1,
                                                      &request)));
  plenum_event event = next_of_type(sfu, PLENUM_EVENT_RTP);
  CHECK(event.subject == room->consumer && event.packet_count == 1);
  CHECK(number_in(&event.packets[0]) == number);
  uint16_t seq = (uint16_t)(event.packets[0].data[2] << 8 | event.packets[0].data[3]);
  finished(event);
  return seq;
}

int main(void) {
  struct room room = audio_room(NULL);
  uint16_t before = seq_of_next(room.sfu, &room, 500);
  plenum_event event = DONE(room.sfu, plenum_router_snapshot(room.sfu, room.router, &request));
  size_t len = event.payload_len;
  uint8_t *snapshot = malloc(len);
  CHECK(len > 0 && snapshot != NULL);
  memcpy(snapshot, event.payload, len);
  finished(event);
  CHECK_RESULT(plenum_sfu_free(room.sfu), PLENUM_OK);

  plenum_sfu *other = started(NULL);
  FAILED(other, plenum_sfu_restore_router(other, snapshot, len / 2, NULL, &request),
         PLENUM_INVALID_PARAMETERS, "");
  event = DONE(other, plenum_sfu_restore_router(other, snapshot, len, NULL, &request));
  CHECK(event.subject == room.router);
  CHECK(strstr(event.json, "rtpParameters") != NULL);
  finished(event);
  event = DONE(other, plenum_router_contents(other, room.router, &request));
  CHECK(plenum_event_id(&event, "/producers/0/id") == room.producer);
  CHECK(plenum_event_id(&event, "/consumers/0/id") == room.consumer);
  CHECK(strcmp(plenum_event_text(&event, "/transports/0/kind"), "direct") == 0);
  CHECK(strcmp(plenum_event_text(&event, "/consumers/0/rtpParameters/codecs/0/mimeType"),
               "audio/opus") == 0);
  finished(event);
  uint16_t after = seq_of_next(other, &room, 501);
  CHECK((uint16_t)(before + 1) == after);
  free(snapshot);
  CHECK_RESULT(plenum_sfu_free(other), PLENUM_OK);
  return 0;
}
