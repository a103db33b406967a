/* RTP from and to the program, in batches: everything arrives, in order. */
#include "room.h"

#define BATCH 50

static void all_arrives_in_order(uint32_t packets) {
  struct room room = audio_room(NULL);
  uint8_t bytes[BATCH][16];
  plenum_bytes batch[BATCH];
  plenum_event event = PLENUM_EVENT_INIT;
  uint32_t sent = 0, received = 0;
  while (received < packets) {
    /* Never more on the way than the SFU keeps. */
    if (sent < packets && sent - received <= 100 * BATCH) {
      for (int i = 0; i < BATCH; i++) {
        opus_packet(bytes[i], sent++);
        batch[i] = (plenum_bytes){bytes[i], sizeof bytes[i]};
      }
      CHECK_RESULT(plenum_direct_transport_send_rtp(room.sfu, room.in, room.producer, batch, BATCH,
                                                    NULL),
                   PLENUM_OK);
      memset(bytes, 0xee, sizeof bytes); /* Its copy is the library's. */
    }
    /* Waits only when there is nothing to send. */
    int64_t patience = sent < packets && sent - received <= 100 * BATCH ? 0 : LONG_MS;
    while (plenum_wait_event(room.sfu, patience, &event) == PLENUM_OK) {
      CHECK(event.type != PLENUM_EVENT_LAGGED);
      CHECK(event.type != PLENUM_EVENT_COMPLETION || event.result == PLENUM_OK);
      if (event.type == PLENUM_EVENT_RTP) {
        CHECK(event.subject == room.consumer && event.router == room.router);
        CHECK(event.packet_count > 0 && event.packet_count <= 256 && event.json == NULL);
        for (size_t i = 0; i < event.packet_count; i++)
          CHECK(number_in(&event.packets[i]) == received++);
      }
      finished(event);
      patience = 0;
    }
  }
  event = DONE(room.sfu, plenum_consumer_stats(room.sfu, room.consumer, &request));
  CHECK(event.json != NULL);
  finished(event);
  CHECK_RESULT(plenum_sfu_free(room.sfu), PLENUM_OK);
}

static void what_is_no_packet_is_refused(void) {
  struct room room = audio_room(NULL);
  uint8_t good[16];
  static const uint8_t long_one[1601] = {0x80, 100};
  opus_packet(good, 1);
  plenum_bytes batch[] = {{good, sizeof good}, {long_one, sizeof long_one}};
  FAILED(room.sfu,
         plenum_direct_transport_send_rtp(room.sfu, room.in, room.producer, batch, 2, &request),
         PLENUM_INVALID_PARAMETERS, "1600");
  FAILED(room.sfu,
         plenum_direct_transport_send_rtp(room.sfu, room.in, 0xabcdef, batch, 1, &request),
         PLENUM_NOT_FOUND, "");
  finished(DONE(room.sfu, plenum_direct_transport_send_rtp(room.sfu, room.in, room.producer, batch,
                                                           1, &request)));
  CHECK_RESULT(plenum_sfu_free(room.sfu), PLENUM_OK);
}

static void all_encodings_arrive_as_they_are(void) {
  struct room room = audio_room(NULL);
  plenum_event event = PLENUM_EVENT_INIT;
  uint64_t voices, all, ids[2];
  unsigned heard[2] = {0, 0};
  event = DONE(room.sfu, plenum_router_update_media_codecs(
                           room.sfu, room.router,
                           "[{\"kind\":\"audio\",\"mimeType\":\"audio/opus\",\"clockRate\":48000,"
                           "\"channels\":2}]",
                           &request));
  CHECK(plenum_event_text(&event, "/rtpCapabilities/codecs/0/mimeType") != NULL);
  CHECK(plenum_event_text(&event, "/rtpCapabilities/codecs/1/mimeType") == NULL);
  voices = made(DONE(room.sfu, plenum_direct_transport_produce(
                                 room.sfu, room.in, "audio",
                                 "{\"codecs\":[{\"mimeType\":\"audio/opus\",\"payloadType\":100,"
                                 "\"clockRate\":48000,\"channels\":2}],"
                                 "\"encodings\":[{\"ssrc\":8},{\"ssrc\":9}]}",
                                 NULL, &request)));
  CHECK_RESULT(plenum_direct_transport_consume_pipe(
                 room.sfu, room.out, voices, plenum_event_text(&event, "/rtpCapabilities"),
                 "{\"paused\":true}", &request),
               PLENUM_OK);
  finished(event);
  event = (plenum_event)PLENUM_EVENT_INIT;
  CHECK_RESULT(plenum_wait(room.sfu, request, LONG_MS, &event), PLENUM_OK);
  all = event.subject;
  ids[0] = plenum_event_id(&event, "/ids/0");
  ids[1] = plenum_event_id(&event, "/ids/1");
  CHECK(all == ids[0] && ids[1] != 0 && ids[1] != ids[0]);
  CHECK(plenum_event_number(&event, "/rtpParameters/encodings/1/ssrc", -1) > 0);
  CHECK(plenum_event_number(&event, "/paused", -1) == 1);
  finished(event);
  finished(DONE(room.sfu, plenum_pipe_consumer_resume(room.sfu, all, &request)));
  finished(DONE(room.sfu, plenum_pipe_consumer_request_key_frame(room.sfu, all, &request)));
  for (uint8_t ssrc = 8; ssrc <= 9; ssrc++) {
    uint8_t bytes[16];
    plenum_bytes one = {bytes, sizeof bytes};
    opus_packet(bytes, ssrc);
    bytes[11] = ssrc;
    CHECK_RESULT(
      plenum_direct_transport_send_rtp(room.sfu, room.in, voices, &one, 1, NULL), PLENUM_OK);
  }
  while (heard[0] + heard[1] < 2) {
    event = next_of_type(room.sfu, PLENUM_EVENT_RTP);
    unsigned which = event.subject == ids[1];
    CHECK(event.subject == ids[which]);
    for (size_t i = 0; i < event.packet_count; i++) CHECK(number_in(&event.packets[i]) == 8 + which);
    heard[which] += (unsigned)event.packet_count;
    finished(event);
  }
  CHECK(heard[0] == 1 && heard[1] == 1);
  event = DONE(room.sfu, plenum_pipe_consumer_stats(room.sfu, all, &request));
  CHECK(plenum_event_number(&event, "/1/packetsSent", -1) == 1);
  finished(event);
  CHECK_RESULT(plenum_sfu_free(room.sfu), PLENUM_OK);
}

int main(int argc, char **argv) {
  uint32_t scale = argc > 1 ? (uint32_t)atoi(argv[1]) : 10;
  all_arrives_in_order(10000 * scale);
  what_is_no_packet_is_refused();
  all_encodings_arrive_as_they_are();
  return 0;
}
