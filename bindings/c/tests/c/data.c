/* Messages from and to the program: text, binary, empty and large ones. */
#include "room.h"

struct message {
  bool text;
  const uint8_t *bytes;
  size_t len;
};

int main(void) {
  struct room room = audio_room(NULL);
  static uint8_t large[200000];
  plenum_event event;
  for (size_t i = 0; i < sizeof large; i++) large[i] = (uint8_t)(i * 31);
  const struct message messages[] = {
    {true, (const uint8_t *)"gr\xc3\xb6\xc3\x9f" "er", 8},
    {false, (const uint8_t *)"\0\1\2", 3},
    {true, NULL, 0},
    {false, NULL, 0},
    {false, large, sizeof large},
  };
  const size_t count = sizeof messages / sizeof messages[0];

  event = DONE(room.sfu, plenum_direct_transport_produce_data(
                           room.sfu, room.in, "{\"label\":\"chat\",\"protocol\":\"text\"}", &request));
  uint64_t producer = event.subject;
  CHECK(strcmp(plenum_event_text(&event, "/label"), "chat") == 0);
  CHECK(event.router == room.router && plenum_event_id(&event, "/transport") == room.in);
  finished(event);
  uint64_t consumer = made(DONE(
    room.sfu, plenum_direct_transport_consume_data(room.sfu, room.out, producer, NULL, &request)));

  for (size_t i = 0; i < count; i++)
    finished(DONE(room.sfu, plenum_data_producer_send(room.sfu, producer, messages[i].text,
                                                      messages[i].bytes, messages[i].len,
                                                      &request)));
  for (size_t i = 0; i < count; i++) {
    event = next_of_type(room.sfu, PLENUM_EVENT_MESSAGE);
    CHECK(event.subject == consumer && event.router == room.router);
    CHECK(strcmp(plenum_event_text(&event, "/kind"), messages[i].text ? "string" : "binary") == 0);
    CHECK(event.payload_len == messages[i].len);
    CHECK(event.payload_len == 0 || memcmp(event.payload, messages[i].bytes, messages[i].len) == 0);
    finished(event);
  }

  finished(DONE(room.sfu, plenum_data_consumer_pause(room.sfu, consumer, &request)));
  finished(DONE(room.sfu, plenum_data_producer_send(room.sfu, producer, true,
                                                    (const uint8_t *)"unheard", 7, &request)));
  finished(DONE(room.sfu, plenum_data_consumer_resume(room.sfu, consumer, &request)));
  finished(DONE(room.sfu, plenum_data_producer_send(room.sfu, producer, true,
                                                    (const uint8_t *)"heard", 5, &request)));
  event = next_of_type(room.sfu, PLENUM_EVENT_MESSAGE);
  CHECK(event.payload_len == 5 && memcmp(event.payload, "heard", 5) == 0);
  finished(event);

  CHECK_REFUSED(plenum_data_producer_send(room.sfu, producer, true, NULL, 5, &request),
                PLENUM_NULL_POINTER, "message");
  FAILED(room.sfu, plenum_data_producer_send(room.sfu, consumer, true, NULL, 0, &request),
         PLENUM_INVALID_PARAMETERS, "it is a DataConsumer");
  FAILED(room.sfu,
         plenum_data_producer_send(room.sfu, producer, true, (const uint8_t *)"\xff", 1, &request),
         PLENUM_INVALID_PARAMETERS, "UTF-8");
  finished(DONE(room.sfu, plenum_data_producer_close(room.sfu, producer, &request)));
  event = next_of_type(room.sfu, PLENUM_EVENT_DATA_CONSUMER_CLOSED);
  CHECK(event.subject == consumer && plenum_event_text(&event, "/reason") != NULL);
  finished(event);
  CHECK_RESULT(plenum_sfu_free(room.sfu), PLENUM_OK);
  return 0;
}
