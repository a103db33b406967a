/*
 * Plenum: an SFU (selective forwarding unit) in a library.
 *
 * This file is made from the sources of the binding; a test compares them.
 *
 * Calls. Functions named after a noun and what is to be done with it, such as
 * plenum_router_create_webrtc_transport, send a call on its way and return at
 * once: they never wait for the network or for another thread. The result
 * comes as a completion, which plenum_next_event or plenum_dispatch gives, or
 * for which plenum_wait waits; it has the number that the call put into
 * *request. `request` may be NULL: then the completion comes with a number
 * that the caller does not know. A completion comes before the events of what
 * happened after it. Only what can be seen at once is refused at once, with
 * the returned code: NULL, text that is not UTF-8 or not JSON, a bad handle.
 *
 * Ids. Routers, transports, producers and all else are named by numbers, never
 * 0, which the SFU gives out once. An id of something closed, or of another
 * SFU, completes with PLENUM_NOT_FOUND, one of something else than the
 * function is about with PLENUM_INVALID_PARAMETERS. In JSON an id is a text of
 * 16 hexadecimal digits: see plenum_id_to_text.
 *
 * Parameters. What is not a simple argument is a JSON object, `options`, which
 * may be NULL; its fields are named in the comment of the function, with the
 * default in parentheses, and unknown ones are refused by name. RTP parameters
 * and capabilities are those of mediasoup, so that its client library speaks
 * to this one. Times are milliseconds.
 *
 * Texts. All are UTF-8 and end with NUL. Those that are given to the library
 * are read before the function returns, and so is every buffer: nothing needs
 * to be kept.
 *
 * Ownership. The caller owns a plenum_sfu from plenum_sfu_start to
 * plenum_sfu_free, and what is in a plenum_event from plenum_next_event or
 * plenum_wait to plenum_event_free. Handles are looked up, not followed: one
 * that was freed is answered with PLENUM_CLOSED, one that never was with
 * PLENUM_INVALID_HANDLE.
 *
 * Threads. Every function may be called from every thread at any time. Those
 * that wait say so. The library never calls into the program but from
 * plenum_dispatch, in the thread that calls that.
 *
 * Processes. After fork() the handles of the parent are of no use to the
 * child: functions return PLENUM_FORKED there and touch nothing. The child can
 * start an SFU of its own. Its copy of the parent's sockets stays open until
 * it calls exec() or ends.
 *
 * Back-pressure. The SFU keeps events for the program up to the options'
 * eventCapacity and 64 MiB of payload. Then it leaves out events and says how
 * many, by PLENUM_EVENT_LAGGED; it never waits for the program, and never
 * leaves out a completion.
 */


#ifndef PLENUM_H
#define PLENUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a plenum_config must begin with. */
#define PLENUM_CONFIG_INIT { sizeof(plenum_config), NULL, NULL, 0, NULL }

/** What a plenum_event must begin with. */
#define PLENUM_EVENT_INIT { sizeof(plenum_event), PLENUM_EVENT_NONE, PLENUM_OK, 0, 0, 0, \
  NULL, NULL, NULL, 0, NULL, 0, NULL }


/**
 * What a function says. 0 is success; 1 to 63 are Plenum's own errors, the
 * same numbers in every language; from 64 on, a function was used wrongly;
 * from 96 on, nothing is wrong but there is nothing to give.
 */
enum plenum_result
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Done; for a call: it is on its way, and its completion will come.
   */
  PLENUM_OK = 0,
  /**
   * An argument is wrong; the message says which and what was expected.
   */
  PLENUM_INVALID_PARAMETERS = 1,
  /**
   * No such router, transport, producer or consumer, or it is closed.
   */
  PLENUM_NOT_FOUND = 2,
  /**
   * The SFU is closed, or the handle was freed before.
   */
  PLENUM_CLOSED = 3,
  /**
   * The two sides have no codec or profile in common.
   */
  PLENUM_INCOMPATIBLE = 4,
  /**
   * A bound is reached.
   */
  PLENUM_LIMIT = 5,
  /**
   * The operating system refused.
   */
  PLENUM_IO = 6,
  /**
   * A key or a certificate is unusable.
   */
  PLENUM_CRYPTO = 7,
  /**
   * A bug in the library; please report it.
   */
  PLENUM_INTERNAL = 8,
  /**
   * A pointer is NULL that must not be.
   */
  PLENUM_NULL_POINTER = 64,
  /**
   * A text is not UTF-8.
   */
  PLENUM_INVALID_UTF8 = 65,
  /**
   * A handle that this library never gave out, or of something else.
   */
  PLENUM_INVALID_HANDLE = 66,
  /**
   * The `size` of a struct is not that of any version: it was not initialised.
   */
  PLENUM_INVALID_SIZE = 67,
  /**
   * The handle is of the parent process; see "Processes" above.
   */
  PLENUM_FORKED = 68,
  /**
   * The library failed inside. The call had no effect that can be relied on;
   * please report it.
   */
  PLENUM_PANIC = 69,
  /**
   * `plenum_dispatch` is running already, in this or in another thread.
   */
  PLENUM_BUSY = 70,
  /**
   * Nothing is there now.
   */
  PLENUM_EMPTY = 96,
  /**
   * The time is over, and nothing came.
   */
  PLENUM_TIMEOUT = 97,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum plenum_result plenum_result;
#else
typedef uint32_t plenum_result;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What an event tells. New types may come with a new version: treat those
 * that you do not know as PLENUM_EVENT_OTHER.
 */
enum plenum_event_type
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Nothing: the event was initialised or freed.
   */
  PLENUM_EVENT_NONE = 0,
  /**
   * A call is done: `request`, `result`, and `json` with the answer or
   * `error` with the message.
   */
  PLENUM_EVENT_COMPLETION = 1,
  /**
   * RTP packets for a consumer of a direct transport: `subject`, `packets`.
   */
  PLENUM_EVENT_RTP = 2,
  /**
   * The SFU is closed; nothing comes after it.
   */
  PLENUM_EVENT_CLOSED = 3,
  /**
   * An event that this version has no number for; `json` has its type.
   */
  PLENUM_EVENT_OTHER = 4,
  /**
   * Events were lost, because they were not taken for too long: `json` says
   * how many ("count"). Completions are never lost.
   */
  PLENUM_EVENT_LAGGED = 5,
  /**
   * A router is gone, with all in it.
   */
  PLENUM_EVENT_ROUTER_CLOSED = 16,
  /**
   * "ice" or "dtls" of a WebRTC transport changed; `subject` is the transport.
   */
  PLENUM_EVENT_TRANSPORT_STATE_CHANGED = 17,
  /**
   * Media now goes to this path, "tuple", of a transport.
   */
  PLENUM_EVENT_TRANSPORT_TUPLE_SELECTED = 18,
  /**
   * A transport is gone, and "reason" says why.
   */
  PLENUM_EVENT_TRANSPORT_CLOSED = 19,
  /**
   * A producer is gone, and "reason" says why.
   */
  PLENUM_EVENT_PRODUCER_CLOSED = 20,
  /**
   * A consumer is gone, and "reason" says why.
   */
  PLENUM_EVENT_CONSUMER_CLOSED = 21,
  /**
   * What a consumer follows was closed; the slot is empty now.
   */
  PLENUM_EVENT_CONSUMER_PRODUCER_CLOSED = 22,
  /**
   * What is wanted of a video producer changed: "demand", layers or null.
   */
  PLENUM_EVENT_PRODUCER_DEMAND_CHANGED = 23,
  /**
   * A consumer gets other layers, "current", or is to get them, "target".
   */
  PLENUM_EVENT_CONSUMER_LAYERS_CHANGED = 24,
  /**
   * Who is forwarded to the slots that follow speakers: "speakers".
   */
  PLENUM_EVENT_SPEAKERS_CHANGED = 25,
  /**
   * `subject` is the producer of who speaks now; "observer" who tells, null
   * for the router.
   */
  PLENUM_EVENT_ACTIVE_SPEAKER = 26,
  /**
   * The loudest producers, "volumes"; `subject` is the observer.
   */
  PLENUM_EVENT_AUDIO_LEVELS = 27,
  /**
   * Nobody is loud any more; `subject` is the observer.
   */
  PLENUM_EVENT_SILENCE = 28,
  /**
   * The SCTP "state" of a WebRTC transport or of a pipe changed.
   */
  PLENUM_EVENT_SCTP_STATE_CHANGED = 29,
  /**
   * The other side opened a data channel on the transport `subject`: its
   * "producer", "stream" and "parameters".
   */
  PLENUM_EVENT_DATA_CHANNEL_OPENED = 30,
  /**
   * A data producer is gone, and "reason" says why.
   */
  PLENUM_EVENT_DATA_PRODUCER_CLOSED = 31,
  /**
   * A data consumer is gone, and "reason" says why.
   */
  PLENUM_EVENT_DATA_CONSUMER_CLOSED = 32,
  /**
   * Less is waiting to be sent to a data consumer than its threshold.
   */
  PLENUM_EVENT_DATA_BUFFERED_AMOUNT_LOW = 33,
  /**
   * A message for a data consumer of a direct transport: `subject`,
   * `payload`, and "kind", "string" or "binary".
   */
  PLENUM_EVENT_MESSAGE = 34,
  /**
   * RTCP now goes to this path, "tuple", of a plain transport.
   */
  PLENUM_EVENT_TRANSPORT_RTCP_TUPLE_SELECTED = 35,
  /**
   * An RTCP packet for whoever stands behind the direct transport `subject`:
   * `payload`.
   */
  PLENUM_EVENT_RTCP = 36,
  /**
   * The picture of a producer is to be turned otherwise: "backCamera", "flip"
   * and "rotation" (degrees, clockwise).
   */
  PLENUM_EVENT_PRODUCER_VIDEO_ORIENTATION_CHANGED = 37,
  /**
   * Something that was to be traced of a transport: "trace", with its "type",
   * and "timestampMs".
   */
  PLENUM_EVENT_TRANSPORT_TRACE = 38,
  /**
   * Something that was to be traced of a producer.
   */
  PLENUM_EVENT_PRODUCER_TRACE = 39,
  /**
   * Something that was to be traced of a consumer.
   */
  PLENUM_EVENT_CONSUMER_TRACE = 40,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum plenum_event_type plenum_event_type;
#else
typedef uint32_t plenum_event_type;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A running SFU. Opaque: a `plenum_sfu *` is a token, and nothing is at its
 * address.
 */
typedef struct plenum_sfu plenum_sfu;

/**
 * Bytes with their number: an RTP packet.
 */
typedef struct {
  /**
   * The first of them; may be NULL if there are none.
   */
  const uint8_t *data;
  /**
   * How many.
   */
  size_t len;
} plenum_bytes;

/**
 * A completion or something that happened. Begin with `PLENUM_EVENT_INIT`;
 * whatever the library puts into it is good until `plenum_event_free`, which
 * every event that was received needs. Pointers that do not matter to the
 * type are NULL, numbers 0.
 */
typedef struct {
  /**
   * `sizeof(plenum_event)`: tells the library which version of it this is.
   */
  size_t size;
  /**
   * What it tells.
   */
  plenum_event_type type;
  /**
   * Of a completion: PLENUM_OK, or why the call failed.
   */
  plenum_result result;
  /**
   * Of a completion: the call, as it was told when it was made.
   */
  uint64_t request;
  /**
   * The router in which it happened; of a completion, that of the answer.
   */
  uint64_t router;
  /**
   * What it is about: for each type, see there; of a completion, the id of
   * what was made (of `accept_offer`: the transport).
   */
  uint64_t subject;
  /**
   * The event or the answer as a JSON object; of an answer without fields,
   * NULL. `plenum_event_text` and its likes read it.
   */
  const char *json;
  /**
   * Of a failed completion: what was wrong and what was expected.
   */
  const char *error;
  /**
   * Of a message: its bytes; of RTCP: the packet; of `plenum_router_snapshot`: the snapshot.
   */
  const uint8_t *payload;
  /**
   * How many.
   */
  size_t payload_len;
  /**
   * Of PLENUM_EVENT_RTP: the packets, in the order in which they came.
   */
  const plenum_bytes *packets;
  /**
   * How many, up to 256.
   */
  size_t packet_count;
  /**
   * For the library: by this it knows what the event owns.
   */
  void *contents;
} plenum_event;

/**
 * How an SFU is to be. Begin with `PLENUM_CONFIG_INIT` and set what should be
 * different; `listen` must be set, here or in `options`. The library reads
 * the struct during `plenum_sfu_start` and keeps no pointer of it.
 */
typedef struct {
  /**
   * `sizeof(plenum_config)`: tells the library which version of it this is.
   */
  size_t size;
  /**
   * Addresses with ports for media, UDP and TCP, separated by commas: for
   * example "0.0.0.0:40000" or "0.0.0.0:40000,[::]:40000". Port 0 is any
   * free one. With n shards, the n ports from there on are taken.
   */
  const char *listen;
  /**
   * The addresses, without ports, by which browsers reach this machine if
   * they are not those of `listen`, separated by commas; or NULL.
   */
  const char *announce;
  /**
   * Threads that carry media, usually one per core; 0 is one.
   */
  uint32_t shards;
  /**
   * Everything else as a JSON object, or NULL: tcp, pinThreads, dtlsVersion
   * ("1.2", "1.3", "auto"), certificate and privateKey (PEM; EC keys on P-256;
   * by default they are made), srtpProfiles, disconnectedAfterMs,
   * failedAfterMs, maxTransports, maxProducers, maxConsumers, packetMemory
   * (bytes per shard), eventCapacity. A field that is also set above is
   * refused.
   */
  const char *options;
} plenum_config;

/**
 * Called by `plenum_dispatch`, in the thread that calls that, for each
 * completion and event. The event belongs to the library and is good until
 * the callback returns; do not free it. The callback may call any function
 * of the library but `plenum_dispatch`. It must return: no exception, no
 * longjmp().
 */
typedef void (*plenum_callback)(void *user, const plenum_event *event);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The name of a result code, for example "PLENUM_NOT_FOUND"; for a number
 * that is none, "unknown". The text is static.
 */
const char *plenum_result_name(uint32_t result);

/**
 * Copies into `buffer` what the last function that failed in this thread had
 * to say: what was wrong and what was expected. At most `len` bytes with the
 * final NUL; what does not fit is left out. Functions that succeed leave it
 * as it is; it is empty before the first failure.
 *
 * Returns the length of the whole text without the NUL, so that
 * `plenum_last_error(NULL, 0)` tells how much room it takes.
 */
size_t plenum_last_error(char *buffer, size_t len);

/**
 * Frees what an event owns, and makes it one that tells nothing: freeing it
 * again does no harm, and it can be used for the next. A copy of an event
 * that was freed is refused with PLENUM_CLOSED. NULL and an event that was
 * only initialised are well and do nothing.
 */
plenum_result plenum_event_free(plenum_event *event);

/**
 * Reads from the JSON of an event by a JSON pointer (RFC 6901), for example
 * "/slots/0/consumer/id". A string is given as it is, anything else as JSON:
 * so "/rtpParameters" gives an object to hand to another call. NULL if there
 * is nothing, or null, or on failure. The text belongs to the event and is
 * freed with it.
 */
const char *plenum_event_text(const plenum_event *event, const char *pointer);

/**
 * Reads an id from the JSON of an event by a JSON pointer. 0 if there is
 * none: ids are never 0.
 */
uint64_t plenum_event_id(const plenum_event *event, const char *pointer);

/**
 * Reads a number or a truth value (1 or 0) from the JSON of an event by a
 * JSON pointer. `otherwise` if there is none.
 */
double plenum_event_number(const plenum_event *event, const char *pointer, double otherwise);

/**
 * Starts an SFU: its threads run from now on, its sockets listen.
 *
 * On success `*sfu` is its handle, which the caller owns and gives back with
 * `plenum_sfu_free`; on failure it is NULL. Fails with
 * PLENUM_INVALID_PARAMETERS for a wrong option and PLENUM_IO for an address
 * that cannot be had.
 */
plenum_result plenum_sfu_start(const plenum_config *config, plenum_sfu **sfu);

/**
 * Ends an SFU: calls that are on their way complete with PLENUM_CLOSED, and
 * after all else that there is to tell comes PLENUM_EVENT_CLOSED, once. The
 * handle stays good until `plenum_sfu_free`. Closing again does nothing.
 */
plenum_result plenum_sfu_close(plenum_sfu *sfu);

/**
 * Gives a handle back; an SFU that is not closed is closed first. What was
 * not taken with `plenum_next_event` is dropped; events that were taken stay
 * good until `plenum_event_free`. Afterwards the handle is stale: any use of
 * it, this function included, returns PLENUM_CLOSED. A `plenum_wait` that
 * runs in another thread returns soon, with PLENUM_CLOSED.
 */
plenum_result plenum_sfu_free(plenum_sfu *sfu);

/**
 * A file descriptor for poll(), select(), epoll or an event loop: readable
 * while `plenum_next_event` may have something. It belongs to the SFU: do not
 * read, write or close it, and stop watching it before `plenum_sfu_free`.
 * -1 on failure.
 */
int plenum_fd(const plenum_sfu *sfu);

/**
 * Gives the next completion or event into `*event`, without waiting:
 * PLENUM_EMPTY if there is none now, PLENUM_CLOSED after PLENUM_EVENT_CLOSED
 * was given. Whoever takes an event owns it, and frees it with
 * `plenum_event_free`. Several threads may take; each event goes to one.
 */
plenum_result plenum_next_event(plenum_sfu *sfu, plenum_event *event);

/**
 * Waits for the completion of a call, at most `timeout_ms` milliseconds, or
 * for as long as it takes if that is negative. What else comes meanwhile
 * stays for `plenum_next_event`.
 *
 * Returns the result of the call, and gives its completion into `*event`,
 * which the caller frees with `plenum_event_free` even if the call failed.
 * `event` may be NULL if only the result matters. PLENUM_TIMEOUT if it is not
 * done in time: it still goes on, and can be waited for again. PLENUM_CLOSED
 * if it cannot come any more. PLENUM_NOT_FOUND if there is no such call, or
 * its completion was taken before.
 */
plenum_result plenum_wait(plenum_sfu *sfu,
                          uint64_t request,
                          int64_t timeout_ms,
                          plenum_event *event);

/**
 * Gives the next completion or event into `*event`, and waits for it at most
 * `timeout_ms` milliseconds, or for as long as it takes if that is negative;
 * for programs with no event loop to watch `plenum_fd` in. Otherwise as
 * `plenum_next_event`, with PLENUM_TIMEOUT if nothing came.
 */
plenum_result plenum_wait_event(plenum_sfu *sfu, int64_t timeout_ms, plenum_event *event);

/**
 * Sets what `plenum_dispatch` calls, with `user` as its first argument; NULL
 * takes it away. The library does nothing else with `user`.
 */
plenum_result plenum_set_callback(plenum_sfu *sfu, plenum_callback callback, void *user);

/**
 * Calls the callback, in this thread, for each completion and event that is
 * there, at most for 1,024: then `plenum_fd` is still readable. PLENUM_OK if
 * there were any, PLENUM_EMPTY if not; PLENUM_NULL_POINTER if there is no
 * callback; PLENUM_BUSY if it runs already, here or in another thread;
 * PLENUM_CLOSED after PLENUM_EVENT_CLOSED was given.
 *
 * The callback may close and even free the SFU: then nothing is called any
 * more.
 */
plenum_result plenum_dispatch(plenum_sfu *sfu);

/**
 * Reads an id as it stands in JSON, 1 to 16 hexadecimal digits, into `*id`.
 */
plenum_result plenum_id_from_text(const char *id_text, uint64_t *id);

/**
 * Writes an id as it stands in JSON, 16 hexadecimal digits and the final
 * NUL, into `buffer`, whose length `len` must be 17 or more.
 */
plenum_result plenum_id_to_text(uint64_t id, char *buffer, size_t len);

/**
 * The version of the library, for example "0.1.0". The text is static.
 */
const char *plenum_version(void);

/**
 * The codecs, header extensions and feedback that a router can be made with,
 * as JSON in the form of mediasoup's RtpCapabilities. The text is static; NULL
 * on failure.
 */
const char *plenum_supported_rtp_capabilities(void);

/**
 * Makes a call by the name of its method, for example "Router.close", with
 * parameters as a JSON object (or NULL) and bytes beside them (or NULL and 0).
 * Every call has a function of its own, which this one does not replace: it
 * is for languages that are called by name.
 */
plenum_result plenum_call(plenum_sfu *sfu,
                          const char *method,
                          uint64_t target,
                          const char *parameters,
                          const plenum_bytes *payloads,
                          size_t payload_count,
                          uint64_t *request);

/**
 * Makes a router: a room, in which what is produced can be consumed. Options:
 * codecs (mediasoup's mediaCodecs; all that are supported if left out), shard
 * (the least loaded if left out), speakers {places, holdMs}. Answer: {id,
 * shard, rtpCapabilities}.
 */
plenum_result plenum_sfu_create_router(plenum_sfu *sfu, const char *options, uint64_t *request);

/**
 * Makes a router from a snapshot of `plenum_router_snapshot`, of this SFU or
 * of another: with the same ids, keys and sequence numbers. Options: codecs,
 * shard. Answer: as of `plenum_sfu_create_router`, and contents, as of
 * `plenum_router_contents`.
 */
plenum_result plenum_sfu_restore_router(plenum_sfu *sfu,
                                        const uint8_t *snapshot,
                                        size_t snapshot_len,
                                        const char *options,
                                        uint64_t *request);

/**
 * How many threads carry media. Answer: {shards}.
 */
plenum_result plenum_sfu_shards(plenum_sfu *sfu, uint64_t *request);

/**
 * Load and counters of one shard, from 0 on. Answer: an object of numbers.
 */
plenum_result plenum_sfu_shard_stats(plenum_sfu *sfu, uint32_t shard, uint64_t *request);

/**
 * Where a shard listens. Answer: {addresses: ["ip:port", …]}.
 */
plenum_result plenum_sfu_addresses(plenum_sfu *sfu, uint32_t shard, uint64_t *request);

/**
 * Listens on one more address ("ip:port", port 0 for any free one) by "udp" or
 * "tcp". Options: shard (0). Answer: {address}.
 */
plenum_result plenum_sfu_listen(plenum_sfu *sfu,
                                const char *address,
                                const char *protocol,
                                const char *options,
                                uint64_t *request);

/**
 * Listens no longer on an address that was added by `plenum_sfu_listen`.
 * Options: shard (0). Answer: nothing.
 */
plenum_result plenum_sfu_unlisten(plenum_sfu *sfu,
                                  const char *address,
                                  const char *protocol,
                                  const char *options,
                                  uint64_t *request);

/**
 * Makes a transport for a browser. Options: udp (true), tcp (true),
 * dataChannels (false), maxMessageSize. Answer: {id, router, kind,
 * iceParameters, iceCandidates, dtlsParameters, sctpParameters}.
 */
plenum_result plenum_router_create_webrtc_transport(plenum_sfu *sfu,
                                                    uint64_t router,
                                                    const char *options,
                                                    uint64_t *request);

/**
 * Makes a transport for RTP without ICE and DTLS, in the clear or by SRTP with
 * keys given by hand. Options: listen ("ip:port", required), rtcpMux (true),
 * comedia (false: if true, the other side's address is learnt from its first
 * packet), srtpProfile, dataChannels (false: if true, with SCTP beside RTP, in
 * the clear, on streams that both sides know by signalling), maxMessageSize.
 * Answer: {id, router, kind, localAddress, localRtcpAddress, srtpParameters,
 * sctpParameters}.
 */
plenum_result plenum_router_create_plain_transport(plenum_sfu *sfu,
                                                   uint64_t router,
                                                   const char *options,
                                                   uint64_t *request);

/**
 * Makes a transport to a router on another host. Options: listen ("ip:port",
 * required), srtpProfile, rtx (true), demand (true). Answer: {id, router,
 * kind, localAddress, srtpParameters}.
 */
plenum_result plenum_router_create_pipe_transport(plenum_sfu *sfu,
                                                  uint64_t router,
                                                  const char *options,
                                                  uint64_t *request);

/**
 * Makes a transport whose other end is this program: RTP packets and messages
 * go in and out by calls and events. Options: none so far. Answer: {id,
 * router, kind}.
 */
plenum_result plenum_router_create_direct_transport(plenum_sfu *sfu,
                                                    uint64_t router,
                                                    const char *options,
                                                    uint64_t *request);

/**
 * Makes an observer that tells who speaks, by PLENUM_EVENT_ACTIVE_SPEAKER.
 * Options: intervalMs, scope ("added": producers that were added; "router":
 * all). Answer: {id, router}.
 */
plenum_result plenum_router_create_active_speaker_observer(plenum_sfu *sfu,
                                                           uint64_t router,
                                                           const char *options,
                                                           uint64_t *request);

/**
 * Makes an observer that tells who is how loud, by PLENUM_EVENT_AUDIO_LEVELS
 * and PLENUM_EVENT_SILENCE. Options: maxEntries, threshold (dBov), intervalMs,
 * scope ("added" or "router"). Answer: {id, router}.
 */
plenum_result plenum_router_create_audio_level_observer(plenum_sfu *sfu,
                                                        uint64_t router,
                                                        const char *options,
                                                        uint64_t *request);

/**
 * Lets a producer of this router be consumed in another router of the same SFU
 * too. Answer: {pipeConsumer, producer}: the producer there is what to
 * consume.
 */
plenum_result plenum_router_pipe_to_router(plenum_sfu *sfu,
                                           uint64_t router,
                                           uint64_t producer,
                                           uint64_t other_router,
                                           uint64_t *request);

/**
 * The same for a data producer of this router. Answer: {dataConsumer,
 * dataProducer}: the data producer there is what to consume.
 */
plenum_result plenum_router_pipe_data_to_router(plenum_sfu *sfu,
                                                uint64_t router,
                                                uint64_t data_producer,
                                                uint64_t other_router,
                                                uint64_t *request);

/**
 * Whether somebody with these RTP capabilities (JSON) can consume this
 * producer. Answer: {canConsume}.
 */
plenum_result plenum_router_can_consume(plenum_sfu *sfu,
                                        uint64_t router,
                                        uint64_t producer,
                                        const char *rtp_capabilities,
                                        uint64_t *request);

/**
 * Has the router route other codecs from now on (JSON array, the preferred one
 * first). What was made with others goes on, and a codec that the router had
 * before has the payload type that it had then. Answer: {rtpCapabilities}.
 */
plenum_result plenum_router_update_media_codecs(plenum_sfu *sfu,
                                                uint64_t router,
                                                const char *codecs,
                                                uint64_t *request);

/**
 * Who is forwarded to the slots that follow speakers. Answer: {places: [id or
 * null, …], recent: [id, …]}.
 */
plenum_result plenum_router_speakers(plenum_sfu *sfu, uint64_t router, uint64_t *request);

/**
 * Changes how speakers are followed. Options: places, holdMs. Answer: nothing.
 */
plenum_result plenum_router_set_speaker_options(plenum_sfu *sfu,
                                                uint64_t router,
                                                const char *options,
                                                uint64_t *request);

/**
 * Takes the SDP offer of a browser: makes its transport, a producer for each
 * track that it sends and a slot for each that it would receive. `offer` is
 * SDP, not JSON. Options: paused, data (true). Answer: {transport, producers:
 * [{mid, producer}], slots: [{mid, consumer}], data, answer}: "answer" is the
 * SDP to send back.
 */
plenum_result plenum_router_accept_offer(plenum_sfu *sfu,
                                         uint64_t router,
                                         const char *offer,
                                         const char *options,
                                         uint64_t *request);

/**
 * The whole state of the router, for `plenum_sfu_restore_router`. Answer: the
 * snapshot in `payload`.
 */
plenum_result plenum_router_snapshot(plenum_sfu *sfu, uint64_t router, uint64_t *request);

/**
 * Everything in the router, described as the calls did that made it. Answer:
 * {transports, producers, consumers, pipeConsumers, dataProducers,
 * dataConsumers, observers}, lists of objects; those of transports and
 * observers have a kind.
 */
plenum_result plenum_router_contents(plenum_sfu *sfu, uint64_t router, uint64_t *request);

/**
 * What is in the router, by ids. Answer: {id, shard, transports, observers}.
 */
plenum_result plenum_router_dump(plenum_sfu *sfu, uint64_t router, uint64_t *request);

/**
 * Closes the router, with all in it. Answer: nothing.
 */
plenum_result plenum_router_close(plenum_sfu *sfu, uint64_t router, uint64_t *request);

/**
 * Tells the transport the DTLS parameters of the browser (JSON: {role,
 * fingerprints}). Answer: nothing.
 */
plenum_result plenum_webrtc_transport_connect(plenum_sfu *sfu,
                                              uint64_t transport,
                                              const char *dtls_parameters,
                                              uint64_t *request);

/**
 * New ICE credentials, after which the browser starts ICE anew. Answer:
 * {iceParameters}.
 */
plenum_result plenum_webrtc_transport_restart_ice(plenum_sfu *sfu,
                                                  uint64_t transport,
                                                  uint64_t *request);

/**
 * Lets data channels through, on a transport that was made without. Options:
 * maxMessageSize, remotePort, remoteMaxMessageSize. Answer: nothing.
 */
plenum_result plenum_webrtc_transport_enable_data(plenum_sfu *sfu,
                                                  uint64_t transport,
                                                  const char *options,
                                                  uint64_t *request);

/**
 * Brings a track of the other side into the router. `kind` is "audio" or
 * "video"; `rtp_parameters` (JSON) say how it is sent. Options: paused
 * (false), speaker (id of the audio producer of the same person). Answer: {id,
 * router, transport, kind, rtpParameters, paused}.
 */
plenum_result plenum_webrtc_transport_produce(plenum_sfu *sfu,
                                              uint64_t transport,
                                              const char *kind,
                                              const char *rtp_parameters,
                                              const char *options,
                                              uint64_t *request);

/**
 * Sends a producer to the other side, whose RTP capabilities are given (JSON).
 * Options: paused (false), preferredLayers {spatialLayer, temporalLayer}, mid.
 * Answer: {id, router, transport, kind, producer, rtpParameters, paused}.
 */
plenum_result plenum_webrtc_transport_consume(plenum_sfu *sfu,
                                              uint64_t transport,
                                              uint64_t producer,
                                              const char *rtp_capabilities,
                                              const char *options,
                                              uint64_t *request);

/**
 * Sends all encodings of a producer to the other side, each as it is, whatever
 * the path carries; its RTP capabilities are given (JSON). Options: paused
 * (false). Answer: {id, ids, router, transport, kind, producer, rtpParameters,
 * paused}: a pipe consumer, with the id of each encoding in "ids".
 */
plenum_result plenum_webrtc_transport_consume_pipe(plenum_sfu *sfu,
                                                   uint64_t transport,
                                                   uint64_t producer,
                                                   const char *rtp_capabilities,
                                                   const char *options,
                                                   uint64_t *request);

/**
 * Makes a consumer that follows nobody yet: `plenum_consumer_switch` points it
 * at one producer after the other, which the other side sees as one track.
 * Options: mid, msid. Answer: as of consume, with "producer" null.
 */
plenum_result plenum_webrtc_transport_consume_slot(plenum_sfu *sfu,
                                                   uint64_t transport,
                                                   const char *kind,
                                                   const char *rtp_capabilities,
                                                   const char *options,
                                                   uint64_t *request);

/**
 * Sets the bitrate (bit/s) to the other side, instead of what is measured; a
 * negative one goes back to measuring. Answer: nothing.
 */
plenum_result plenum_webrtc_transport_set_available_outgoing_bitrate(plenum_sfu *sfu,
                                                                     uint64_t transport,
                                                                     int64_t bitrate,
                                                                     uint64_t *request);

/**
 * Brings messages of the other side into the router. Options: label, protocol,
 * sctpStreamParameters (not on a direct transport), paused. Answer: {id,
 * router, transport, label, protocol, sctpStreamParameters, paused}.
 */
plenum_result plenum_webrtc_transport_produce_data(plenum_sfu *sfu,
                                                   uint64_t transport,
                                                   const char *options,
                                                   uint64_t *request);

/**
 * Sends the messages of a data producer to the other side. Options: ordered,
 * maxPacketLifeTime, maxRetransmits, negotiated (false), answerOn (a stream
 * that the other side opened, to send back on), paused. Answer: {id, router,
 * transport, dataProducer, label, protocol, sctpStreamParameters, paused}.
 */
plenum_result plenum_webrtc_transport_consume_data(plenum_sfu *sfu,
                                                   uint64_t transport,
                                                   uint64_t data_producer,
                                                   const char *options,
                                                   uint64_t *request);

/**
 * Asks the other side to send no more than `bitrate` (bit/s) in all, at least
 * 10,000; a negative one is without limit. Answer: nothing.
 */
plenum_result plenum_webrtc_transport_set_max_incoming_bitrate(plenum_sfu *sfu,
                                                               uint64_t transport,
                                                               int64_t bitrate,
                                                               uint64_t *request);

/**
 * Chooses what is traced, by PLENUM_EVENT_TRANSPORT_TRACE: `types` is a JSON
 * array of "bwe", or an empty one.
 * Answer: nothing.
 */
plenum_result plenum_webrtc_transport_enable_trace_event(plenum_sfu *sfu,
                                                         uint64_t transport,
                                                         const char *types,
                                                         uint64_t *request);

/**
 * Counters of the WebRTC transport. Answer: an object.
 */
plenum_result plenum_webrtc_transport_stats(plenum_sfu *sfu, uint64_t transport, uint64_t *request);

/**
 * Closes the WebRTC transport, with its producers and consumers. Answer:
 * nothing.
 */
plenum_result plenum_webrtc_transport_close(plenum_sfu *sfu, uint64_t transport, uint64_t *request);

/**
 * Tells the transport where to send, and how. Options: address ("ip:port"),
 * rtcpAddress, srtpParameters {profile, keyBase64}. Answer: nothing.
 */
plenum_result plenum_plain_transport_connect(plenum_sfu *sfu,
                                             uint64_t transport,
                                             const char *options,
                                             uint64_t *request);

/**
 * Brings a track of the other side into the router. `kind` is "audio" or
 * "video"; `rtp_parameters` (JSON) say how it is sent. Options: paused
 * (false), speaker (id of the audio producer of the same person). Answer: {id,
 * router, transport, kind, rtpParameters, paused}.
 */
plenum_result plenum_plain_transport_produce(plenum_sfu *sfu,
                                             uint64_t transport,
                                             const char *kind,
                                             const char *rtp_parameters,
                                             const char *options,
                                             uint64_t *request);

/**
 * Sends a producer to the other side, whose RTP capabilities are given (JSON).
 * Options: paused (false), preferredLayers {spatialLayer, temporalLayer}, mid.
 * Answer: {id, router, transport, kind, producer, rtpParameters, paused}.
 */
plenum_result plenum_plain_transport_consume(plenum_sfu *sfu,
                                             uint64_t transport,
                                             uint64_t producer,
                                             const char *rtp_capabilities,
                                             const char *options,
                                             uint64_t *request);

/**
 * Sends all encodings of a producer to the other side, each as it is, whatever
 * the path carries; its RTP capabilities are given (JSON). Options: paused
 * (false). Answer: {id, ids, router, transport, kind, producer, rtpParameters,
 * paused}: a pipe consumer, with the id of each encoding in "ids".
 */
plenum_result plenum_plain_transport_consume_pipe(plenum_sfu *sfu,
                                                  uint64_t transport,
                                                  uint64_t producer,
                                                  const char *rtp_capabilities,
                                                  const char *options,
                                                  uint64_t *request);

/**
 * Makes a consumer that follows nobody yet: `plenum_consumer_switch` points it
 * at one producer after the other, which the other side sees as one track.
 * Options: mid, msid. Answer: as of consume, with "producer" null.
 */
plenum_result plenum_plain_transport_consume_slot(plenum_sfu *sfu,
                                                  uint64_t transport,
                                                  const char *kind,
                                                  const char *rtp_capabilities,
                                                  const char *options,
                                                  uint64_t *request);

/**
 * Sets the bitrate (bit/s) to the other side, instead of what is measured; a
 * negative one goes back to measuring. Answer: nothing.
 */
plenum_result plenum_plain_transport_set_available_outgoing_bitrate(plenum_sfu *sfu,
                                                                    uint64_t transport,
                                                                    int64_t bitrate,
                                                                    uint64_t *request);

/**
 * Brings messages of the other side into the router. Options: label, protocol,
 * sctpStreamParameters (not on a direct transport), paused. Answer: {id,
 * router, transport, label, protocol, sctpStreamParameters, paused}.
 */
plenum_result plenum_plain_transport_produce_data(plenum_sfu *sfu,
                                                  uint64_t transport,
                                                  const char *options,
                                                  uint64_t *request);

/**
 * Sends the messages of a data producer to the other side. Options: ordered,
 * maxPacketLifeTime, maxRetransmits, paused, and either negotiated (true: the
 * stream of the answer is told to the other side by signalling) or answerOn (a
 * stream on which it sends, to send back on). Answer: {id, router, transport,
 * dataProducer, label, protocol, sctpStreamParameters, paused}.
 */
plenum_result plenum_plain_transport_consume_data(plenum_sfu *sfu,
                                                  uint64_t transport,
                                                  uint64_t data_producer,
                                                  const char *options,
                                                  uint64_t *request);

/**
 * Asks the other side to send no more than `bitrate` (bit/s) in all, at least
 * 10,000; a negative one is without limit. Answer: nothing.
 */
plenum_result plenum_plain_transport_set_max_incoming_bitrate(plenum_sfu *sfu,
                                                              uint64_t transport,
                                                              int64_t bitrate,
                                                              uint64_t *request);

/**
 * Chooses what is traced, by PLENUM_EVENT_TRANSPORT_TRACE: `types` is a JSON
 * array of "bwe", or an empty one.
 * Answer: nothing.
 */
plenum_result plenum_plain_transport_enable_trace_event(plenum_sfu *sfu,
                                                        uint64_t transport,
                                                        const char *types,
                                                        uint64_t *request);

/**
 * Counters of the plain transport. Answer: an object.
 */
plenum_result plenum_plain_transport_stats(plenum_sfu *sfu, uint64_t transport, uint64_t *request);

/**
 * Closes the plain transport, with its producers and consumers. Answer:
 * nothing.
 */
plenum_result plenum_plain_transport_close(plenum_sfu *sfu, uint64_t transport, uint64_t *request);

/**
 * Tells the transport its other end. Options: address ("ip:port"),
 * srtpParameters {profile, keyBase64}. Answer: nothing.
 */
plenum_result plenum_pipe_transport_connect(plenum_sfu *sfu,
                                            uint64_t transport,
                                            const char *options,
                                            uint64_t *request);

/**
 * Brings a track of the other side into the router. `kind` is "audio" or
 * "video"; `rtp_parameters` (JSON) say how it is sent. Options: paused
 * (false), speaker (id of the audio producer of the same person). Answer: {id,
 * router, transport, kind, rtpParameters, paused}.
 */
plenum_result plenum_pipe_transport_produce(plenum_sfu *sfu,
                                            uint64_t transport,
                                            const char *kind,
                                            const char *rtp_parameters,
                                            const char *options,
                                            uint64_t *request);

/**
 * Sends a producer to the router at the other end. Options: none so far.
 * Answer: {id, ids, router, transport, kind, producer, rtpParameters}: with
 * these rtpParameters, and the same kind, the other end produces it.
 */
plenum_result plenum_pipe_transport_consume(plenum_sfu *sfu,
                                            uint64_t transport,
                                            uint64_t producer,
                                            const char *options,
                                            uint64_t *request);

/**
 * Brings messages of the other side into the router. Options: label, protocol,
 * sctpStreamParameters (what the other end told of its channel), paused. Answer: {id,
 * router, transport, label, protocol, sctpStreamParameters, paused}.
 */
plenum_result plenum_pipe_transport_produce_data(plenum_sfu *sfu,
                                                 uint64_t transport,
                                                 const char *options,
                                                 uint64_t *request);

/**
 * Sends the messages of a data producer to the other side. Options: ordered,
 * maxPacketLifeTime, maxRetransmits, negotiated (false), answerOn (a stream
 * that the other side opened, to send back on), paused. Answer: {id, router,
 * transport, dataProducer, label, protocol, sctpStreamParameters, paused}.
 */
plenum_result plenum_pipe_transport_consume_data(plenum_sfu *sfu,
                                                 uint64_t transport,
                                                 uint64_t data_producer,
                                                 const char *options,
                                                 uint64_t *request);

/**
 * Chooses what is traced, by PLENUM_EVENT_TRANSPORT_TRACE: `types` is a JSON
 * array of "bwe", or an empty one.
 * Answer: nothing.
 */
plenum_result plenum_pipe_transport_enable_trace_event(plenum_sfu *sfu,
                                                       uint64_t transport,
                                                       const char *types,
                                                       uint64_t *request);

/**
 * Counters of the pipe transport. Answer: an object.
 */
plenum_result plenum_pipe_transport_stats(plenum_sfu *sfu, uint64_t transport, uint64_t *request);

/**
 * Closes the pipe transport, with its producers and consumers. Answer:
 * nothing.
 */
plenum_result plenum_pipe_transport_close(plenum_sfu *sfu, uint64_t transport, uint64_t *request);

/**
 * Sends RTP packets into the router, as if they came from the other side: many
 * in one call, which costs little more than one. The bytes are copied. Answer:
 * nothing, when the router has them all. It fails for the first packet that is
 * longer than 1,600 bytes, and takes the others all the same; what is no RTP is
 * dropped and counted.
 */
plenum_result plenum_direct_transport_send_rtp(plenum_sfu *sfu,
                                               uint64_t transport,
                                               uint64_t producer,
                                               const plenum_bytes *packets,
                                               size_t packet_count,
                                               uint64_t *request);

/**
 * Takes in a compound RTCP packet, as if it came from the other side: requests
 * for lost packets and key frames, and reports. What the other side would be
 * sent comes by PLENUM_EVENT_RTCP. Answer: nothing.
 */
plenum_result plenum_direct_transport_send_rtcp(plenum_sfu *sfu,
                                                uint64_t transport,
                                                const uint8_t *packet,
                                                size_t packet_len,
                                                uint64_t *request);

/**
 * Brings a track of the other side into the router. `kind` is "audio" or
 * "video"; `rtp_parameters` (JSON) say how it is sent. Options: paused
 * (false), speaker (id of the audio producer of the same person). Answer: {id,
 * router, transport, kind, rtpParameters, paused}.
 */
plenum_result plenum_direct_transport_produce(plenum_sfu *sfu,
                                              uint64_t transport,
                                              const char *kind,
                                              const char *rtp_parameters,
                                              const char *options,
                                              uint64_t *request);

/**
 * Sends a producer to the other side, whose RTP capabilities are given (JSON).
 * Options: paused (false), preferredLayers {spatialLayer, temporalLayer}, mid.
 * Answer: {id, router, transport, kind, producer, rtpParameters, paused}.
 */
plenum_result plenum_direct_transport_consume(plenum_sfu *sfu,
                                              uint64_t transport,
                                              uint64_t producer,
                                              const char *rtp_capabilities,
                                              const char *options,
                                              uint64_t *request);

/**
 * Sends all encodings of a producer to the other side, each as it is, whatever
 * the path carries; its RTP capabilities are given (JSON). Options: paused
 * (false). Answer: {id, ids, router, transport, kind, producer, rtpParameters,
 * paused}: a pipe consumer, with the id of each encoding in "ids".
 */
plenum_result plenum_direct_transport_consume_pipe(plenum_sfu *sfu,
                                                   uint64_t transport,
                                                   uint64_t producer,
                                                   const char *rtp_capabilities,
                                                   const char *options,
                                                   uint64_t *request);

/**
 * Makes a consumer that follows nobody yet: `plenum_consumer_switch` points it
 * at one producer after the other, which the other side sees as one track.
 * Options: mid, msid. Answer: as of consume, with "producer" null.
 */
plenum_result plenum_direct_transport_consume_slot(plenum_sfu *sfu,
                                                   uint64_t transport,
                                                   const char *kind,
                                                   const char *rtp_capabilities,
                                                   const char *options,
                                                   uint64_t *request);

/**
 * Sets the bitrate (bit/s) to the other side, instead of what is measured; a
 * negative one goes back to measuring. Answer: nothing.
 */
plenum_result plenum_direct_transport_set_available_outgoing_bitrate(plenum_sfu *sfu,
                                                                     uint64_t transport,
                                                                     int64_t bitrate,
                                                                     uint64_t *request);

/**
 * Brings messages of the other side into the router. Options: label, protocol,
 * sctpStreamParameters (not on a direct transport), paused. Answer: {id,
 * router, transport, label, protocol, sctpStreamParameters, paused}.
 */
plenum_result plenum_direct_transport_produce_data(plenum_sfu *sfu,
                                                   uint64_t transport,
                                                   const char *options,
                                                   uint64_t *request);

/**
 * Sends the messages of a data producer to the other side. Options: ordered,
 * maxPacketLifeTime, maxRetransmits, negotiated (false), answerOn (a stream
 * that the other side opened, to send back on), paused. Answer: {id, router,
 * transport, dataProducer, label, protocol, sctpStreamParameters, paused}.
 */
plenum_result plenum_direct_transport_consume_data(plenum_sfu *sfu,
                                                   uint64_t transport,
                                                   uint64_t data_producer,
                                                   const char *options,
                                                   uint64_t *request);

/**
 * Chooses what is traced, by PLENUM_EVENT_TRANSPORT_TRACE: `types` is a JSON
 * array of "bwe", or an empty one.
 * Answer: nothing.
 */
plenum_result plenum_direct_transport_enable_trace_event(plenum_sfu *sfu,
                                                         uint64_t transport,
                                                         const char *types,
                                                         uint64_t *request);

/**
 * Counters of the direct transport. Answer: an object.
 */
plenum_result plenum_direct_transport_stats(plenum_sfu *sfu, uint64_t transport, uint64_t *request);

/**
 * Closes the direct transport, with its producers and consumers. Answer:
 * nothing.
 */
plenum_result plenum_direct_transport_close(plenum_sfu *sfu, uint64_t transport, uint64_t *request);

/**
 * Pauses the producer: nothing passes it. Answer: nothing.
 */
plenum_result plenum_producer_pause(plenum_sfu *sfu, uint64_t producer, uint64_t *request);

/**
 * Lets the producer go on. Answer: nothing.
 */
plenum_result plenum_producer_resume(plenum_sfu *sfu, uint64_t producer, uint64_t *request);

/**
 * Says whose voice goes with a video producer: an audio producer, or 0 for
 * nobody's. Answer: nothing.
 */
plenum_result plenum_producer_set_speaker(plenum_sfu *sfu,
                                          uint64_t producer,
                                          uint64_t speaker,
                                          uint64_t *request);

/**
 * Chooses what is traced, by PLENUM_EVENT_PRODUCER_TRACE: `types` is a JSON
 * array of "rtp", "keyframe", "nack", "pli", "fir" and "sr".
 * Answer: nothing.
 */
plenum_result plenum_producer_enable_trace_event(plenum_sfu *sfu,
                                                 uint64_t producer,
                                                 const char *types,
                                                 uint64_t *request);

/**
 * Counters of the producer. Answer: an object.
 */
plenum_result plenum_producer_stats(plenum_sfu *sfu, uint64_t producer, uint64_t *request);

/**
 * Closes the producer. Answer: nothing.
 */
plenum_result plenum_producer_close(plenum_sfu *sfu, uint64_t producer, uint64_t *request);

/**
 * Points the consumer at another producer of its kind, or at none, 0. The
 * other side sees one track that goes on. Answer: nothing.
 */
plenum_result plenum_consumer_switch(plenum_sfu *sfu,
                                     uint64_t consumer,
                                     uint64_t producer,
                                     uint64_t *request);

/**
 * Lets the consumer follow whoever has this rank among the speakers, 0 being
 * the first; all but `except`, an audio producer, or 0. Answer: nothing.
 */
plenum_result plenum_consumer_follow_speaker(plenum_sfu *sfu,
                                             uint64_t consumer,
                                             uint32_t rank,
                                             uint64_t except,
                                             uint64_t *request);

/**
 * The highest layers to forward: pictures of this size, and as many of them;
 * 255 is the highest there is. Answer: nothing.
 */
plenum_result plenum_consumer_set_preferred_layers(plenum_sfu *sfu,
                                                   uint64_t consumer,
                                                   uint32_t spatial_layer,
                                                   uint32_t temporal_layer,
                                                   uint64_t *request);

/**
 * How large the picture is shown, in pixels: what is larger is not sent, and
 * bitrate is shared out by it. Options: priority, pinned, screen. Answer:
 * nothing.
 */
plenum_result plenum_consumer_set_demand(plenum_sfu *sfu,
                                         uint64_t consumer,
                                         uint32_t width,
                                         uint32_t height,
                                         const char *options,
                                         uint64_t *request);

/**
 * Pauses the consumer: nothing passes it. Answer: nothing.
 */
plenum_result plenum_consumer_pause(plenum_sfu *sfu, uint64_t consumer, uint64_t *request);

/**
 * Lets the consumer go on. Answer: nothing.
 */
plenum_result plenum_consumer_resume(plenum_sfu *sfu, uint64_t consumer, uint64_t *request);

/**
 * Asks the publisher for a picture that needs none before it. Answer: nothing.
 */
plenum_result plenum_consumer_request_key_frame(plenum_sfu *sfu,
                                                uint64_t consumer,
                                                uint64_t *request);

/**
 * Chooses what is traced, by PLENUM_EVENT_CONSUMER_TRACE: `types` is a JSON
 * array of "rtp", "keyframe", "nack", "pli" and "fir".
 * Answer: nothing.
 */
plenum_result plenum_consumer_enable_trace_event(plenum_sfu *sfu,
                                                 uint64_t consumer,
                                                 const char *types,
                                                 uint64_t *request);

/**
 * Counters of the consumer. Answer: an object.
 */
plenum_result plenum_consumer_stats(plenum_sfu *sfu, uint64_t consumer, uint64_t *request);

/**
 * Why the consumer gets the layers that it gets. Answer: an object with the
 * inputs and the rule.
 */
plenum_result plenum_consumer_explain(plenum_sfu *sfu, uint64_t consumer, uint64_t *request);

/**
 * Closes the consumer. Answer: nothing.
 */
plenum_result plenum_consumer_close(plenum_sfu *sfu, uint64_t consumer, uint64_t *request);

/**
 * Pauses the pipe consumer: nothing passes it. Answer: nothing.
 */
plenum_result plenum_pipe_consumer_pause(plenum_sfu *sfu,
                                         uint64_t pipe_consumer,
                                         uint64_t *request);

/**
 * Lets the pipe consumer go on. Answer: nothing.
 */
plenum_result plenum_pipe_consumer_resume(plenum_sfu *sfu,
                                          uint64_t pipe_consumer,
                                          uint64_t *request);

/**
 * Asks the publisher for a key frame of each encoding. Answer: nothing.
 */
plenum_result plenum_pipe_consumer_request_key_frame(plenum_sfu *sfu,
                                                     uint64_t pipe_consumer,
                                                     uint64_t *request);

/**
 * Chooses what is traced, by PLENUM_EVENT_CONSUMER_TRACE: `types` is a JSON
 * array of "rtp", "keyframe", "nack", "pli" and "fir".
 * Answer: nothing.
 */
plenum_result plenum_pipe_consumer_enable_trace_event(plenum_sfu *sfu,
                                                      uint64_t pipe_consumer,
                                                      const char *types,
                                                      uint64_t *request);

/**
 * Counters of each stream of the pipe consumer. Answer: an array, to be read
 * by "/0/…".
 */
plenum_result plenum_pipe_consumer_stats(plenum_sfu *sfu,
                                         uint64_t pipe_consumer,
                                         uint64_t *request);

/**
 * Closes the pipe consumer, all its streams. Answer: nothing.
 */
plenum_result plenum_pipe_consumer_close(plenum_sfu *sfu,
                                         uint64_t pipe_consumer,
                                         uint64_t *request);

/**
 * Sends a message into the router: from a data producer of a direct transport.
 * `text` says that it is UTF-8 text and not binary. The bytes are copied.
 * Answer: nothing.
 */
plenum_result plenum_data_producer_send(plenum_sfu *sfu,
                                        uint64_t data_producer,
                                        bool text,
                                        const uint8_t *message,
                                        size_t message_len,
                                        uint64_t *request);

/**
 * Pauses the data producer: nothing passes it. Answer: nothing.
 */
plenum_result plenum_data_producer_pause(plenum_sfu *sfu,
                                         uint64_t data_producer,
                                         uint64_t *request);

/**
 * Lets the data producer go on. Answer: nothing.
 */
plenum_result plenum_data_producer_resume(plenum_sfu *sfu,
                                          uint64_t data_producer,
                                          uint64_t *request);

/**
 * Counters of the data producer. Answer: an object.
 */
plenum_result plenum_data_producer_stats(plenum_sfu *sfu,
                                         uint64_t data_producer,
                                         uint64_t *request);

/**
 * Closes the data producer. Answer: nothing.
 */
plenum_result plenum_data_producer_close(plenum_sfu *sfu,
                                         uint64_t data_producer,
                                         uint64_t *request);

/**
 * Sends a message to the one receiver of a data consumer. `text` says that it
 * is UTF-8 text and not binary. The bytes are copied. Answer: nothing.
 */
plenum_result plenum_data_consumer_send(plenum_sfu *sfu,
                                        uint64_t data_consumer,
                                        bool text,
                                        const uint8_t *message,
                                        size_t message_len,
                                        uint64_t *request);

/**
 * PLENUM_EVENT_DATA_BUFFERED_AMOUNT_LOW is to come when fewer than `bytes` are
 * waiting to be sent; never, if that is negative. Answer: nothing.
 */
plenum_result plenum_data_consumer_set_buffered_amount_low_threshold(plenum_sfu *sfu,
                                                                     uint64_t data_consumer,
                                                                     int64_t bytes,
                                                                     uint64_t *request);

/**
 * Pauses the data consumer: nothing passes it. Answer: nothing.
 */
plenum_result plenum_data_consumer_pause(plenum_sfu *sfu,
                                         uint64_t data_consumer,
                                         uint64_t *request);

/**
 * Lets the data consumer go on. Answer: nothing.
 */
plenum_result plenum_data_consumer_resume(plenum_sfu *sfu,
                                          uint64_t data_consumer,
                                          uint64_t *request);

/**
 * Counters of the data consumer. Answer: an object.
 */
plenum_result plenum_data_consumer_stats(plenum_sfu *sfu,
                                         uint64_t data_consumer,
                                         uint64_t *request);

/**
 * Closes the data consumer. Answer: nothing.
 */
plenum_result plenum_data_consumer_close(plenum_sfu *sfu,
                                         uint64_t data_consumer,
                                         uint64_t *request);

/**
 * Lets the observer listen to an audio producer. Answer: nothing.
 */
plenum_result plenum_active_speaker_observer_add_producer(plenum_sfu *sfu,
                                                          uint64_t observer,
                                                          uint64_t producer,
                                                          uint64_t *request);

/**
 * Lets the observer listen to an audio producer no longer. Answer: nothing.
 */
plenum_result plenum_active_speaker_observer_remove_producer(plenum_sfu *sfu,
                                                             uint64_t observer,
                                                             uint64_t producer,
                                                             uint64_t *request);

/**
 * Lets the observer tell nothing. Answer: nothing.
 */
plenum_result plenum_active_speaker_observer_pause(plenum_sfu *sfu,
                                                   uint64_t observer,
                                                   uint64_t *request);

/**
 * Lets the observer tell again. Answer: nothing.
 */
plenum_result plenum_active_speaker_observer_resume(plenum_sfu *sfu,
                                                    uint64_t observer,
                                                    uint64_t *request);

/**
 * Closes the observer. Answer: nothing.
 */
plenum_result plenum_active_speaker_observer_close(plenum_sfu *sfu,
                                                   uint64_t observer,
                                                   uint64_t *request);

/**
 * Lets the observer listen to an audio producer. Answer: nothing.
 */
plenum_result plenum_audio_level_observer_add_producer(plenum_sfu *sfu,
                                                       uint64_t observer,
                                                       uint64_t producer,
                                                       uint64_t *request);

/**
 * Lets the observer listen to an audio producer no longer. Answer: nothing.
 */
plenum_result plenum_audio_level_observer_remove_producer(plenum_sfu *sfu,
                                                          uint64_t observer,
                                                          uint64_t producer,
                                                          uint64_t *request);

/**
 * Lets the observer tell nothing. Answer: nothing.
 */
plenum_result plenum_audio_level_observer_pause(plenum_sfu *sfu,
                                                uint64_t observer,
                                                uint64_t *request);

/**
 * Lets the observer tell again. Answer: nothing.
 */
plenum_result plenum_audio_level_observer_resume(plenum_sfu *sfu,
                                                 uint64_t observer,
                                                 uint64_t *request);

/**
 * Closes the observer. Answer: nothing.
 */
plenum_result plenum_audio_level_observer_close(plenum_sfu *sfu,
                                                uint64_t observer,
                                                uint64_t *request);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* PLENUM_H */
