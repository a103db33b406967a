/* A room with a direct transport in and one out: RTP and messages through the
 * whole SFU without a network. */
#ifndef ROOM_H
#define ROOM_H

#include "check.h"

struct room {
  plenum_sfu *sfu;
  uint64_t router, in, out, producer, consumer;
};

/* Opus with SSRC 7, as it comes out of the consumer: payload type and SSRC. */
static inline struct room audio_room(const char *options) {
  struct room room = {started(options), 0, 0, 0, 0, 0};
  plenum_event event = DONE(room.sfu, plenum_sfu_create_router(room.sfu, NULL, &request));
  room.router = event.subject;
  const char *capabilities = plenum_event_text(&event, "/rtpCapabilities");
  CHECK(capabilities != NULL);
  room.in = made(
    DONE(room.sfu, plenum_router_create_direct_transport(room.sfu, room.router, NULL, &request)));
  room.out = made(
    DONE(room.sfu, plenum_router_create_direct_transport(room.sfu, room.router, NULL, &request)));
  room.producer = made(DONE(room.sfu, plenum_direct_transport_produce(
                                        room.sfu, room.in, "audio", OPUS(7), NULL, &request)));
  room.consumer =
    made(DONE(room.sfu, plenum_direct_transport_consume(room.sfu, room.out, room.producer,
                                                        capabilities, NULL, &request)));
  finished(event);
  return room;
}

/* An Opus packet with this number in its payload, 16 bytes. */
static inline void opus_packet(uint8_t packet[16], uint32_t number) {
  uint32_t time = number * 960;
  uint8_t header[12] = {0x80,
                        100,
                        (uint8_t)(number >> 8),
                        (uint8_t)number,
                        (uint8_t)(time >> 24),
                        (uint8_t)(time >> 16),
                        (uint8_t)(time >> 8),
                        (uint8_t)time,
                        0,
                        0,
                        0,
                        7};
  memcpy(packet, header, sizeof header);
  packet[12] = (uint8_t)(number >> 24);
  packet[13] = (uint8_t)(number >> 16);
  packet[14] = (uint8_t)(number >> 8);
  packet[15] = (uint8_t)number;
}

/* The number in the payload of a packet that went through the SFU. */
static inline uint32_t number_in(const plenum_bytes *packet) {
  const uint8_t *end = packet->data + packet->len;
  CHECK(packet->len >= 16 && packet->data[0] >> 6 == 2);
  return (uint32_t)end[-4] << 24 | (uint32_t)end[-3] << 16 | (uint32_t)end[-2] << 8 | end[-1];
}

#endif
