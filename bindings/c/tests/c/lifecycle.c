/* From start to free: calls, answers, events, and what is told in which order. */
#include "check.h"

#include <poll.h>

static void what_is_not_about_an_sfu(void) {
  char text[17];
  uint64_t id = 0;
  CHECK(strcmp(plenum_result_name(PLENUM_NOT_FOUND), "PLENUM_NOT_FOUND") == 0);
  CHECK(strcmp(plenum_result_name(12345), "unknown") == 0);
  CHECK(strchr(plenum_version(), '.') != NULL);
  CHECK(strstr(plenum_supported_rtp_capabilities(), "audio/opus") != NULL);
  CHECK_RESULT(plenum_id_to_text(255, text, sizeof text), PLENUM_OK);
  CHECK(strcmp(text, "00000000000000ff") == 0);
  CHECK_RESULT(plenum_id_from_text(text, &id), PLENUM_OK);
  CHECK(id == 255);
}

static void a_room_from_beginning_to_end(void) {
  plenum_sfu *sfu = started(NULL);
  struct pollfd watched = {plenum_fd(sfu), POLLIN, 0};
  plenum_event event = PLENUM_EVENT_INIT;
  uint64_t router, webrtc, direct, microphone, observer;

  CHECK(watched.fd >= 0);
  CHECK_RESULT(plenum_next_event(sfu, &event), PLENUM_EMPTY);
  CHECK(poll(&watched, 1, 0) == 0);
  CHECK(event.type == PLENUM_EVENT_NONE);

  /* Poll style: the descriptor tells when there is something. */
  CHECK_RESULT(plenum_sfu_create_router(sfu, NULL, &request), PLENUM_OK);
  CHECK(poll(&watched, 1, LONG_MS) == 1);
  CHECK_RESULT(plenum_next_event(sfu, &event), PLENUM_OK);
  CHECK(event.type == PLENUM_EVENT_COMPLETION && event.request == request);
  CHECK(event.result == PLENUM_OK && event.json != NULL && event.error == NULL);
  router = event.subject;
  CHECK(router != 0 && plenum_event_id(&event, "/id") == router);
  CHECK(plenum_event_text(&event, "/rtpCapabilities/codecs/0/mimeType") != NULL);
  CHECK_RESULT(plenum_event_free(&event), PLENUM_OK);
  CHECK(event.type == PLENUM_EVENT_NONE && event.json == NULL);
  CHECK_RESULT(plenum_next_event(sfu, &event), PLENUM_EMPTY);
  CHECK(poll(&watched, 1, 0) == 0);

  event = DONE(sfu, plenum_router_create_webrtc_transport(sfu, router, "{\"tcp\":false}", &request));
  webrtc = event.subject;
  CHECK(event.router == router);
  CHECK(strcmp(plenum_event_text(&event, "/kind"), "webrtc") == 0);
  CHECK(strcmp(plenum_event_text(&event, "/iceCandidates/0/protocol"), "udp") == 0);
  CHECK(plenum_event_text(&event, "/iceCandidates/1") == NULL);
  CHECK(plenum_event_number(&event, "/iceCandidates/0/port", -1) > 0);
  CHECK(plenum_event_number(&event, "/iceParameters/iceLite", -1) == 1);
  CHECK(plenum_event_number(&event, "/nothing", -1) == -1);
  CHECK(plenum_event_id(&event, "/kind") == 0);
  /* The same text twice is the same place, for as long as the event is there. */
  CHECK(plenum_event_text(&event, "/iceParameters") == plenum_event_text(&event, "/iceParameters"));
  finished(event);

  direct = made(DONE(sfu, plenum_router_create_direct_transport(sfu, router, NULL, &request)));
  microphone = made(DONE(sfu, plenum_direct_transport_produce(sfu, direct, "audio", OPUS(7), NULL,
                                                              &request)));
  observer = made(DONE(sfu, plenum_router_create_audio_level_observer(
                              sfu, router, "{\"intervalMs\":500}", &request)));
  finished(DONE(sfu, plenum_audio_level_observer_add_producer(sfu, observer, microphone, &request)));
  finished(DONE(sfu, plenum_producer_pause(sfu, microphone, &request)));
  /* A call whose completion nobody waits for; it comes as an event. */
  CHECK_RESULT(plenum_producer_resume(sfu, microphone, NULL), PLENUM_OK);
  finished(DONE(sfu, plenum_producer_stats(sfu, microphone, &request)));
  event = next_of_type(sfu, PLENUM_EVENT_COMPLETION);
  CHECK(event.request != 0 && event.request < request && event.result == PLENUM_OK);
  finished(event);

  event = DONE(sfu, plenum_router_dump(sfu, router, &request));
  CHECK(plenum_event_id(&event, "/transports/0/id") == webrtc ||
        plenum_event_id(&event, "/transports/1/id") == webrtc);
  CHECK(plenum_event_id(&event, "/observers/0/id") == observer);
  finished(event);

  event = DONE(sfu, plenum_sfu_addresses(sfu, 0, &request));
  CHECK(strncmp(plenum_event_text(&event, "/addresses/0"), "127.0.0.1:", 10) == 0);
  finished(event);

  /* What was not waited for is still there. */
  finished(DONE(sfu, plenum_webrtc_transport_close(sfu, webrtc, &request)));
  event = next_of_type(sfu, PLENUM_EVENT_TRANSPORT_CLOSED);
  CHECK(event.subject == webrtc && event.router == router);
  CHECK(strcmp(plenum_event_text(&event, "/type"), "transport-closed") == 0);
  finished(event);
  FAILED(sfu, plenum_webrtc_transport_stats(sfu, webrtc, &request), PLENUM_NOT_FOUND, "");

  finished(DONE(sfu, plenum_router_close(sfu, router, &request)));
  finished(next_of_type(sfu, PLENUM_EVENT_ROUTER_CLOSED));
  CHECK_RESULT(plenum_sfu_free(sfu), PLENUM_OK);
}

static void closing_completes_what_is_on_its_way_and_comes_last(void) {
  plenum_sfu *sfu = started(NULL);
  uint64_t requests[100];
  unsigned completions = 0;
  plenum_event event = PLENUM_EVENT_INIT;
  for (unsigned i = 0; i < 100; i++)
    CHECK_RESULT(plenum_sfu_create_router(sfu, NULL, &requests[i]), PLENUM_OK);
  CHECK_RESULT(plenum_sfu_close(sfu), PLENUM_OK);
  CHECK_RESULT(plenum_sfu_close(sfu), PLENUM_OK);
  /* A call that comes too late is completed, too. */
  CHECK_RESULT(plenum_sfu_shards(sfu, &request), PLENUM_OK);
  for (;;) {
    CHECK_RESULT(plenum_wait_event(sfu, LONG_MS, &event), PLENUM_OK);
    if (event.type == PLENUM_EVENT_CLOSED) break;
    if (event.type == PLENUM_EVENT_COMPLETION) {
      CHECK(event.result == PLENUM_OK || event.result == PLENUM_CLOSED);
      completions++;
    }
    finished(event);
  }
  finished(event);
  CHECK(completions == 101);
  CHECK_REFUSED(plenum_next_event(sfu, &event), PLENUM_CLOSED, "closed");
  CHECK_REFUSED(plenum_wait_event(sfu, -1, &event), PLENUM_CLOSED, "closed");
  CHECK_RESULT(plenum_sfu_free(sfu), PLENUM_OK);
}

static void waiting_ends(void) {
  plenum_sfu *sfu = started(NULL);
  plenum_event event = PLENUM_EVENT_INIT;
  uint64_t first, second;
  CHECK_RESULT(plenum_wait_event(sfu, 20, &event), PLENUM_TIMEOUT);
  CHECK_RESULT(plenum_wait_event(sfu, 0, &event), PLENUM_TIMEOUT);
  CHECK_RESULT(plenum_sfu_create_router(sfu, NULL, &first), PLENUM_OK);
  CHECK_RESULT(plenum_sfu_shards(sfu, &second), PLENUM_OK);
  /* In any order; and no event is needed if only the result matters. */
  CHECK_RESULT(plenum_wait(sfu, second, LONG_MS, &event), PLENUM_OK);
  CHECK(plenum_event_number(&event, "/shards", 0) == 1);
  finished(event);
  CHECK_RESULT(plenum_wait(sfu, first, LONG_MS, NULL), PLENUM_OK);
  /* Nobody waits for ever for what cannot come. */
  CHECK_RESULT(plenum_wait(sfu, first, -1, NULL), PLENUM_NOT_FOUND);
  CHECK_RESULT(plenum_wait(sfu, 0, -1, NULL), PLENUM_NOT_FOUND);
  CHECK_REFUSED(plenum_wait(sfu, 987654321, -1, NULL), PLENUM_NOT_FOUND, "987654321");
  CHECK_RESULT(plenum_sfu_free(sfu), PLENUM_OK);
}

int main(void) {
  what_is_not_about_an_sfu();
  a_room_from_beginning_to_end();
  closing_completes_what_is_on_its_way_and_comes_last();
  waiting_ends();
  return 0;
}
