/* A browser's camera, echoed back: reads the browser's SDP offer, prints the answer. */
#include <plenum.h>
#include <stdio.h>

int main(int argc, char **argv) {
  static char text[65536];
  plenum_config config = PLENUM_CONFIG_INIT;
  plenum_event room = PLENUM_EVENT_INIT, peer = PLENUM_EVENT_INIT;
  plenum_sfu *sfu;
  uint64_t request, slot = 1;
  config.listen = argc > 1 ? argv[1] : "0.0.0.0:40100";
  if (fread(text, 1, sizeof text - 1, stdin) == 0 || plenum_sfu_start(&config, &sfu) ||
      plenum_sfu_create_router(sfu, NULL, &request) || plenum_wait(sfu, request, -1, &room) ||
      plenum_router_accept_offer(sfu, room.subject, text, NULL, &request) ||
      plenum_wait(sfu, request, -1, &peer)) {
    plenum_last_error(text, sizeof text);
    return fprintf(stderr, "%s\n", text), 1;
  }
  for (int i = 0; slot != 0; i++) {
    snprintf(text, sizeof text, "/producers/%d/producer/id", i);
    uint64_t own = plenum_event_id(&peer, text);
    snprintf(text, sizeof text, "/slots/%d/consumer/id", i);
    if ((slot = plenum_event_id(&peer, text))) plenum_consumer_switch(sfu, slot, own, NULL);
  }
  printf("%s", plenum_event_text(&peer, "/answer"));
  fclose(stdout);
  while (!plenum_event_free(&peer) && !plenum_wait_event(sfu, -1, &peer)) continue;
}
