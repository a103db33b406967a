/* Wrong use gives an error that says what was wrong, and nothing else happens. */
#include "check.h"

static void configurations(void) {
  plenum_config config = PLENUM_CONFIG_INIT;
  plenum_sfu *sfu = (plenum_sfu *)&config;
  CHECK_REFUSED(plenum_sfu_start(NULL, &sfu), PLENUM_NULL_POINTER, "config");
  CHECK(sfu == NULL);
  CHECK_REFUSED(plenum_sfu_start(&config, NULL), PLENUM_NULL_POINTER, "sfu");
  CHECK_REFUSED(plenum_sfu_start(&config, &sfu), PLENUM_INVALID_PARAMETERS, "listen");
  config.listen = "nowhere";
  CHECK_REFUSED(plenum_sfu_start(&config, &sfu), PLENUM_INVALID_PARAMETERS, "nowhere");
  config.listen = "127.0.0.\xff:0";
  CHECK_REFUSED(plenum_sfu_start(&config, &sfu), PLENUM_INVALID_UTF8, "listen");
  config.listen = "127.0.0.1:0";
  config.options = "[1]";
  CHECK_REFUSED(plenum_sfu_start(&config, &sfu), PLENUM_INVALID_PARAMETERS, "object");
  config.options = "{";
  CHECK_REFUSED(plenum_sfu_start(&config, &sfu), PLENUM_INVALID_PARAMETERS, "JSON");
  config.options = "{\"colour\":1}";
  CHECK_REFUSED(plenum_sfu_start(&config, &sfu), PLENUM_INVALID_PARAMETERS, "colour");
  config.options = "{\"listen\":[\"127.0.0.1:0\"]}";
  CHECK_REFUSED(plenum_sfu_start(&config, &sfu), PLENUM_INVALID_PARAMETERS, "twice");
  config.options = NULL;
  config.size = 3;
  CHECK_REFUSED(plenum_sfu_start(&config, &sfu), PLENUM_INVALID_SIZE, "PLENUM_CONFIG_INIT");
  /* An address of a network for documentation: no machine has it. */
  config.size = sizeof config;
  config.listen = "192.0.2.1:1";
  CHECK_RESULT(plenum_sfu_start(&config, &sfu), PLENUM_IO);
  CHECK(sfu == NULL);
}

/* A program that was compiled with a later version, whose structs are larger. */
static void larger_structs(void) {
  struct {
    plenum_config config;
    uint64_t more[4];
  } later_config = {PLENUM_CONFIG_INIT, {1, 2, 3, 4}};
  struct {
    plenum_event event;
    uint64_t more[4];
  } later_event = {PLENUM_EVENT_INIT, {1, 2, 3, 4}};
  plenum_sfu *sfu;
  later_config.config.size = sizeof later_config;
  later_config.config.listen = "127.0.0.1:0";
  later_event.event.size = sizeof later_event;
  CHECK_RESULT(plenum_sfu_start(&later_config.config, &sfu), PLENUM_OK);
  CHECK_RESULT(plenum_sfu_shards(sfu, &request), PLENUM_OK);
  CHECK_RESULT(plenum_wait(sfu, request, LONG_MS, &later_event.event), PLENUM_OK);
  CHECK(plenum_event_number(&later_event.event, "/shards", 0) == 1);
  CHECK(later_event.event.size == sizeof later_event);
  CHECK(later_event.more[0] == 1 && later_event.more[3] == 4);
  CHECK_RESULT(plenum_event_free(&later_event.event), PLENUM_OK);
  CHECK(later_event.event.size == sizeof later_event);
  CHECK_RESULT(plenum_sfu_free(sfu), PLENUM_OK);
}

static void handles(void) {
  plenum_sfu *sfu = started(NULL), *other = started(NULL);
  plenum_event event = PLENUM_EVENT_INIT;
  int here;
  CHECK_REFUSED(plenum_sfu_close(NULL), PLENUM_NULL_POINTER, "NULL");
  CHECK_REFUSED(plenum_sfu_close((plenum_sfu *)&here), PLENUM_INVALID_HANDLE, "no handle");
  CHECK_REFUSED(plenum_sfu_close((plenum_sfu *)(uintptr_t)-1), PLENUM_INVALID_HANDLE, "no handle");
  event = DONE(sfu, plenum_sfu_shards(sfu, &request));
  CHECK_REFUSED(plenum_sfu_close((plenum_sfu *)event.contents), PLENUM_INVALID_HANDLE, "no handle");
  finished(event);

  CHECK_RESULT(plenum_sfu_free(sfu), PLENUM_OK);
  CHECK_REFUSED(plenum_sfu_free(sfu), PLENUM_CLOSED, "freed before");
  CHECK_REFUSED(plenum_sfu_close(sfu), PLENUM_CLOSED, "freed before");
  CHECK_REFUSED(plenum_sfu_shards(sfu, &request), PLENUM_CLOSED, "freed before");
  CHECK_REFUSED(plenum_next_event(sfu, &event), PLENUM_CLOSED, "freed before");
  CHECK_REFUSED(plenum_wait(sfu, 1, -1, &event), PLENUM_CLOSED, "freed before");
  CHECK_REFUSED(plenum_wait_event(sfu, -1, &event), PLENUM_CLOSED, "freed before");
  CHECK_REFUSED(plenum_set_callback(sfu, NULL, NULL), PLENUM_CLOSED, "freed before");
  CHECK_REFUSED(plenum_dispatch(sfu), PLENUM_CLOSED, "freed before");
  CHECK(plenum_fd(sfu) == -1);
  /* The other one goes on. */
  finished(DONE(other, plenum_sfu_shards(other, &request)));
  CHECK_RESULT(plenum_sfu_free(other), PLENUM_OK);
}

static void events(void) {
  plenum_sfu *sfu = started(NULL);
  plenum_event event, copy;
  memset(&event, 0, sizeof event);
  CHECK_REFUSED(plenum_next_event(sfu, &event), PLENUM_INVALID_SIZE, "PLENUM_EVENT_INIT");
  CHECK_REFUSED(plenum_next_event(sfu, NULL), PLENUM_NULL_POINTER, "event");
  CHECK_RESULT(plenum_event_free(NULL), PLENUM_OK);

  event = DONE(sfu, plenum_sfu_create_router(sfu, NULL, &request));
  copy = event;
  CHECK(plenum_event_text(&event, NULL) == NULL);
  CHECK(plenum_event_text(NULL, "/id") == NULL);
  CHECK(plenum_event_text(&event, "id") == NULL);
  CHECK(plenum_event_text(&event, "/\xc3\x28") == NULL);
  CHECK_RESULT(plenum_event_free(&event), PLENUM_OK);
  CHECK_RESULT(plenum_event_free(&event), PLENUM_OK);
  CHECK_REFUSED(plenum_event_free(&copy), PLENUM_CLOSED, "freed before");
  CHECK(copy.json == NULL);
  CHECK(plenum_event_text(&event, "/id") == NULL);

  event = DONE(sfu, plenum_sfu_shards(sfu, &request));
  event.contents = &event;
  CHECK_REFUSED(plenum_event_free(&event), PLENUM_INVALID_HANDLE, "no handle");
  CHECK_RESULT(plenum_sfu_free(sfu), PLENUM_OK);
}

static void arguments(void) {
  plenum_sfu *sfu = started(NULL);
  uint64_t router = made(DONE(sfu, plenum_sfu_create_router(sfu, NULL, &request)));
  uint64_t direct =
    made(DONE(sfu, plenum_router_create_direct_transport(sfu, router, NULL, &request)));
  uint64_t id;
  char text[17];

  CHECK_REFUSED(plenum_router_accept_offer(sfu, router, NULL, NULL, &request), PLENUM_NULL_POINTER,
                "offer");
  CHECK_REFUSED(plenum_router_accept_offer(sfu, router, "\xff", NULL, &request),
                PLENUM_INVALID_UTF8, "offer");
  FAILED(sfu, plenum_router_accept_offer(sfu, router, "hello", NULL, &request),
         PLENUM_INVALID_PARAMETERS, "v=");
  CHECK_REFUSED(plenum_sfu_create_router(sfu, "{\"codecs\":", &request), PLENUM_INVALID_PARAMETERS,
                "JSON");
  CHECK_REFUSED(plenum_sfu_create_router(sfu, "7", &request), PLENUM_INVALID_PARAMETERS, "object");
  FAILED(sfu, plenum_sfu_create_router(sfu, "{\"colour\":\"red\"}", &request),
         PLENUM_INVALID_PARAMETERS, "colour");
  FAILED(sfu, plenum_direct_transport_produce(sfu, direct, "smell", OPUS(7), NULL, &request),
         PLENUM_INVALID_PARAMETERS, "smell");
  CHECK_REFUSED(plenum_direct_transport_produce(sfu, direct, "audio", OPUS(7), "{\"kind\":\"audio\"}",
                                                &request),
                PLENUM_INVALID_PARAMETERS, "argument of its own");
  CHECK_REFUSED(plenum_direct_transport_consume(sfu, direct, 0, "{}", NULL, &request),
                PLENUM_INVALID_PARAMETERS, "producer");
  CHECK_REFUSED(plenum_direct_transport_consume(sfu, direct, 5, NULL, NULL, &request),
                PLENUM_NULL_POINTER, "rtpCapabilities");
  FAILED(sfu, plenum_sfu_shard_stats(sfu, 9, &request), PLENUM_INVALID_PARAMETERS, "shard");
  FAILED(sfu, plenum_sfu_restore_router(sfu, (const uint8_t *)"no snapshot", 11, NULL, &request),
         PLENUM_INVALID_PARAMETERS, "snapshot");
  CHECK_REFUSED(plenum_sfu_restore_router(sfu, NULL, 11, NULL, &request), PLENUM_NULL_POINTER,
                "snapshot");
  CHECK_REFUSED(plenum_direct_transport_send_rtp(sfu, direct, 1, NULL, 2, &request),
                PLENUM_NULL_POINTER, "packets");
  plenum_bytes packets[] = {{(const uint8_t *)"x", 1}, {NULL, 5}};
  CHECK_REFUSED(plenum_direct_transport_send_rtp(sfu, direct, 1, packets, 2, &request),
                PLENUM_NULL_POINTER, "packet 1");
  packets[1].len = SIZE_MAX;
  CHECK_REFUSED(plenum_direct_transport_send_rtp(sfu, direct, 1, packets, 2, &request),
                PLENUM_INVALID_PARAMETERS, "packet 1");
  CHECK_REFUSED(plenum_direct_transport_send_rtp(sfu, direct, 1, packets, SIZE_MAX, &request),
                PLENUM_INVALID_PARAMETERS, "memory");

  CHECK_REFUSED(plenum_id_from_text("zero", &id), PLENUM_INVALID_PARAMETERS, "zero");
  CHECK_REFUSED(plenum_id_from_text(NULL, &id), PLENUM_NULL_POINTER, "id_text");
  CHECK_REFUSED(plenum_id_from_text("1", NULL), PLENUM_NULL_POINTER, "id");
  CHECK_REFUSED(plenum_id_to_text(1, text, 16), PLENUM_INVALID_PARAMETERS, "17");
  CHECK_REFUSED(plenum_id_to_text(1, NULL, 17), PLENUM_NULL_POINTER, "buffer");

  CHECK_REFUSED(plenum_call(sfu, NULL, 0, NULL, NULL, 0, &request), PLENUM_NULL_POINTER, "method");
  FAILED(sfu, plenum_call(sfu, "Router.explode", router, NULL, NULL, 0, &request),
         PLENUM_INVALID_PARAMETERS, "Router.explode");
  finished(DONE(sfu, plenum_call(sfu, "Router.dump", router, NULL, NULL, 0, &request)));
  CHECK_RESULT(plenum_sfu_free(sfu), PLENUM_OK);
}

/* Ids are of one SFU, one noun, and of what is not closed. */
static void ids(void) {
  plenum_sfu *sfu = started(NULL), *other = started(NULL);
  uint64_t router = made(DONE(sfu, plenum_sfu_create_router(sfu, NULL, &request)));
  uint64_t foreign = made(DONE(other, plenum_sfu_create_router(other, NULL, &request)));
  uint64_t direct =
    made(DONE(sfu, plenum_router_create_direct_transport(sfu, router, NULL, &request)));
  FAILED(sfu, plenum_router_dump(sfu, foreign, &request), PLENUM_NOT_FOUND, "");
  FAILED(other, plenum_router_close(other, router, &request), PLENUM_NOT_FOUND, "");
  FAILED(sfu, plenum_router_dump(sfu, direct, &request), PLENUM_INVALID_PARAMETERS,
         "it is a DirectTransport");
  FAILED(sfu, plenum_consumer_pause(sfu, direct, &request), PLENUM_INVALID_PARAMETERS,
         "it is a DirectTransport");
  FAILED(sfu, plenum_webrtc_transport_restart_ice(sfu, direct, &request),
         PLENUM_INVALID_PARAMETERS, "it is a DirectTransport");
  FAILED(sfu, plenum_router_dump(sfu, 0, &request), PLENUM_NOT_FOUND, "");
  FAILED(sfu, plenum_router_dump(sfu, UINT64_MAX, &request), PLENUM_NOT_FOUND, "");
  FAILED(sfu, plenum_router_pipe_to_router(sfu, router, direct, foreign, &request),
         PLENUM_NOT_FOUND, "");
  finished(DONE(sfu, plenum_router_close(sfu, router, &request)));
  FAILED(sfu, plenum_router_close(sfu, router, &request), PLENUM_NOT_FOUND, "");
  FAILED(sfu, plenum_direct_transport_close(sfu, direct, &request), PLENUM_NOT_FOUND, "");
  CHECK_RESULT(plenum_sfu_free(sfu), PLENUM_OK);
  CHECK_RESULT(plenum_sfu_free(other), PLENUM_OK);
}

static void messages_of_errors(void) {
  char small[8], whole[256];
  CHECK_RESULT(plenum_sfu_close(NULL), PLENUM_NULL_POINTER);
  size_t len = plenum_last_error(NULL, 0);
  CHECK(len > sizeof small && len < sizeof whole);
  CHECK(plenum_last_error(small, sizeof small) == len);
  CHECK(plenum_last_error(whole, sizeof whole) == len);
  CHECK(strlen(small) == sizeof small - 1 && strlen(whole) == len);
  CHECK(strncmp(small, whole, sizeof small - 1) == 0);
}

int main(void) {
  configurations();
  larger_structs();
  handles();
  events();
  arguments();
  ids();
  messages_of_errors();
  return 0;
}
