/* A browser's camera, microphone and data channels, sent back to it by the SFU.
 *
 * cc c-echo.c $(pkg-config --cflags --libs plenum) -o c-echo && ./c-echo
 * Then open http://localhost:8090 and allow the camera.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <plenum.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "page.h"

/* An offer of a browser is a few kilobytes. */
#define MOST_BYTES (256 * 1024)

static plenum_sfu *sfu;
static uint64_t room;

/* The id at `format`, a JSON pointer with a number in it. */
static uint64_t id_at(const plenum_event *event, const char *format, int index) {
  char pointer[64];
  snprintf(pointer, sizeof pointer, format, index);
  return plenum_event_id(event, pointer);
}

/* Points every slot of a peer at what the same peer sends, line by line. */
static void echo_tracks(const plenum_event *peer) {
  uint64_t slot;
  for (int i = 0; (slot = id_at(peer, "/slots/%d/consumer/id", i)) != 0; i++)
    plenum_consumer_switch(sfu, slot, id_at(peer, "/producers/%d/producer/id", i), NULL);
}

/* Sends the messages of a data channel back over it as soon as it opens. */
static void on_event(void *user, const plenum_event *event) {
  (void)user;
  if (event->type == PLENUM_EVENT_DATA_CHANNEL_OPENED) {
    char options[64];
    snprintf(options, sizeof options, "{\"answerOn\":%.0f}",
             plenum_event_number(event, "/stream", 0));
    plenum_webrtc_transport_consume_data(sfu, event->subject, plenum_event_id(event, "/producer"),
                                         options, NULL);
  }
  if (event->type == PLENUM_EVENT_COMPLETION && event->result != PLENUM_OK)
    fprintf(stderr, "%s: %s\n", plenum_result_name(event->result), event->error);
  if (event->type == PLENUM_EVENT_LAGGED) fprintf(stderr, "lost events: %s\n", event->json);
}

static void write_all(int client, const char *bytes, size_t len) {
  while (len > 0) {
    ssize_t written = send(client, bytes, len, MSG_NOSIGNAL);
    if (written <= 0) return; /* The browser has gone. */
    bytes += written;
    len -= (size_t)written;
  }
}

static void reply(int client, const char *status, const char *type, const char *body) {
  char head[256];
  int len = snprintf(head, sizeof head,
                     "HTTP/1.1 %s\r\nContent-Type: %s; charset=utf-8\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n",
                     status, type, strlen(body));
  write_all(client, head, (size_t)len);
  write_all(client, body, strlen(body));
}

static void reply_to_offer(int client, const char *offer) {
  plenum_event peer = PLENUM_EVENT_INIT;
  uint64_t request;
  plenum_result result = plenum_router_accept_offer(sfu, room, offer, NULL, &request);
  if (result == PLENUM_OK) result = plenum_wait(sfu, request, 10000, &peer);
  if (result == PLENUM_OK) {
    echo_tracks(&peer);
    reply(client, "200 OK", "application/sdp", plenum_event_text(&peer, "/answer"));
  } else {
    char message[512];
    plenum_last_error(message, sizeof message);
    reply(client, "400 Bad Request", "text/plain", message);
  }
  plenum_event_free(&peer);
}

/* Reads one request, all of it: the header and as much as Content-Length says. */
static char *read_request(int client, char **body) {
  char *text = malloc(MOST_BYTES + 1);
  size_t len = 0;
  while (text != NULL && len < MOST_BYTES) {
    ssize_t got = recv(client, text + len, MOST_BYTES - len, 0);
    if (got <= 0) break;
    len += (size_t)got;
    text[len] = '\0';
    char *end = strstr(text, "\r\n\r\n");
    if (end == NULL) continue;
    size_t expected = 0;
    for (char *line = strstr(text, "\r\n"); line != end; line = strstr(line + 2, "\r\n"))
      if (strncmp(line + 2, "Content-Length:", 15) == 0 ||
          strncmp(line + 2, "content-length:", 15) == 0)
        expected = strtoul(line + 17, NULL, 10);
    *body = end + 4;
    if (len - (size_t)(*body - text) >= expected) return text;
  }
  free(text);
  return NULL;
}

static void serve(int client) {
  struct timeval patience = {5, 0};
  char *body;
  setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  char *request = read_request(client, &body);
  if (request == NULL) {
    reply(client, "400 Bad Request", "text/plain", "not a request, or too large");
  } else if (strncmp(request, "GET / ", 6) == 0) {
    reply(client, "200 OK", "text/html", page);
  } else if (strncmp(request, "POST /offer ", 12) == 0) {
    reply_to_offer(client, body);
  } else {
    reply(client, "404 Not Found", "text/plain", "there are / and /offer");
  }
  free(request);
  close(client);
}

static int listening(unsigned short port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  int yes = 1, server = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(server, (struct sockaddr *)&address, sizeof address) != 0 || listen(server, 16) != 0) {
    perror("the page's port");
    exit(1);
  }
  return server;
}

static int refused(void) {
  char message[512];
  plenum_last_error(message, sizeof message);
  fprintf(stderr, "%s\n", message);
  return 1;
}

int main(int argc, char **argv) {
  plenum_config config = PLENUM_CONFIG_INIT;
  plenum_event event = PLENUM_EVENT_INIT;
  uint64_t request;
  unsigned short port = argc > 2 ? (unsigned short)atoi(argv[2]) : 8090;
  config.listen = argc > 1 ? argv[1] : "0.0.0.0:40100";
  if (plenum_sfu_start(&config, &sfu) != PLENUM_OK ||
      plenum_sfu_create_router(sfu, NULL, &request) != PLENUM_OK ||
      plenum_wait(sfu, request, -1, &event) != PLENUM_OK)
    return refused();
  room = event.subject;
  plenum_event_free(&event);
  plenum_set_callback(sfu, on_event, NULL);

  struct pollfd watched[] = {{listening(port), POLLIN, 0}, {plenum_fd(sfu), POLLIN, 0}};
  printf("open http://localhost:%u\n", port);
  fflush(stdout);
  while (poll(watched, 2, -1) > 0) {
    if (watched[1].revents) {
      plenum_result result = plenum_dispatch(sfu);
      if (result != PLENUM_OK && result != PLENUM_EMPTY) return refused();
    }
    if (watched[0].revents) serve(accept(watched[0].fd, NULL, NULL));
  }
  return 1;
}
