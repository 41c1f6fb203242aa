/*
 * What the DTLS 1.2 peers share: options, sockets, the echo client and the echo server. Each library's source
 * includes this file, fills in the `library_…` functions, and calls `peer_main`. Only for tests and benchmarks,
 * only on loopback.
 *
 * Standard output has one line per event:
 *   listening <port>
 *   established <suite> cid=<n> peer-cid=<n> resumed=<0|1>   lengths of the connection ids that this side receives
 *                                                            and sends; "off" where none was negotiated
 *   echo <bytes>
 *   rebound <port>                                           client: its new port; server: its peer's
 *   closed
 *   failed <reason>
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { DATAGRAM_SIZE = 65536, BUCKETS = 1 << 16, MAX_HANDSHAKES = 1024, MAX_GROUPS = 8, MAX_SUITES = 32 };
enum { READ_NOTHING = 0, READ_CLOSED = -1, READ_FAILED = -2 };

static struct {
  int server;
  const char *host, *certificate, *key, *ca, *server_name, *peer_key, *psk_identity, *psk_hint, *text;
  int port, cid /* length of the own connection id; -1: do not offer the extension */, mtu, max_fragment;
  int groups[MAX_GROUPS], group_count; /* numbers of the IANA registry, best first */
  char *suites[MAX_SUITES];            /* names of the IANA registry, best first */
  int suite_count, messages, pause_ms, timeout_ms, rebind, resume, linger, quiet;
  uint8_t psk[64];
  size_t psk_length;
} options = {.host = "127.0.0.1", .server_name = "localhost", .text = "ping", .cid = -1, .messages = 1, .timeout_ms = 10000};

struct association {
  int fd;
  struct sockaddr_in address;     /* where its datagrams go */
  const uint8_t *datagram;        /* what came in and the library has not taken yet */
  size_t datagram_length;
  int established;
  int64_t give_up_ms;             /* when an unfinished handshake is dropped */
  int64_t timer_ms[2];            /* Mbed TLS keeps its timers outside */
  uint8_t cid[32];                /* the own connection id */
  struct association *next;       /* in its bucket of the table */
  char reason[200];
  void *ssl;
};

/* --- what a library fills in --- */

static const char *library_version(void);
static void library_start(void);
static void library_open(struct association *);
/** Server: 1 once the datagram at hand carried a good cookie. Until then the association belongs to no address. */
static int library_cookie(struct association *);
/** 1 done, 0 waits for the peer, -1 failed (with a reason). */
static int library_handshake(struct association *);
static int library_read(struct association *, uint8_t *buffer, size_t size);
static int library_write(struct association *, const uint8_t *bytes, size_t length);
/** Milliseconds until `library_timeout` is due; -1: no timer runs. */
static int library_timer(struct association *);
static int library_timeout(struct association *);
/** The suite's IANA name; the lengths of both connection ids or -1; whether the session was resumed. */
static const char *library_facts(struct association *, int *cid, int *peer_cid, int *resumed);
/** Client: 1 when there is a session that the next association will resume. */
static int library_keep_session(struct association *);
static void library_close(struct association *);
static void library_free(struct association *);

/* --- small things --- */

__attribute__((format(printf, 1, 2))) static void event(const char *format, ...) {
  va_list arguments;
  if (options.quiet) return;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
  fflush(stdout);
}

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...) {
  va_list arguments;
  printf("failed ");
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
  exit(1);
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void random_bytes(void *to, size_t length) {
  if (getrandom(to, length, 0) != (ssize_t)length) die("no random bytes");
}

/** For the library: the datagram at hand, whole; -1 when there is none. */
static int take_datagram(struct association *a, void *to, size_t size) {
  if (a->datagram == NULL) return -1;
  size_t length = a->datagram_length < size ? a->datagram_length : size;
  memcpy(to, a->datagram, length);
  a->datagram = NULL;
  return (int)length;
}

/** For the library. A datagram that cannot be sent is a lost one. */
static int give_datagram(struct association *a, const void *bytes, size_t length) {
  sendto(a->fd, bytes, length, 0, (struct sockaddr *)&a->address, sizeof a->address);
  return (int)length;
}

static int open_socket(const char *host, int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 4 << 20;
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) die("%s is no IPv4 address", host);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0) die("bind: %s", strerror(errno));
  return fd;
}

static int port_of(int fd) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  getsockname(fd, (struct sockaddr *)&address, &length);
  return ntohs(address.sin_port);
}

static struct association *new_association(int fd) {
  struct association *a = calloc(1, sizeof *a);
  if (a == NULL) die("out of memory");
  a->fd = fd;
  a->give_up_ms = now_ms() + options.timeout_ms;
  if (options.cid > 0) random_bytes(a->cid, options.cid);
  library_open(a);
  return a;
}

static void report_established(struct association *a) {
  int cid = -1, peer_cid = -1, resumed = 0;
  char texts[2][12] = {"off", "off"};
  a->established = 1;
  if (options.quiet) return;
  const char *suite = library_facts(a, &cid, &peer_cid, &resumed);
  if (cid >= 0) snprintf(texts[0], sizeof texts[0], "%d", cid);
  if (peer_cid >= 0) snprintf(texts[1], sizeof texts[1], "%d", peer_cid);
  event("established %s cid=%s peer-cid=%s resumed=%d", suite, texts[0], texts[1], resumed);
}

/* --- the server: one socket, one thread, associations found by address, else by connection id --- */

static struct association *table[BUCKETS], *handshaking[MAX_HANDSHAKES];
static int handshaking_count;

static struct association **bucket_of(const struct sockaddr_in *address) {
  uint64_t key = ((uint64_t)address->sin_addr.s_addr << 16 | address->sin_port) * 0x9e3779b97f4a7c15ULL;
  return &table[key >> 48];
}

static int same_address(const struct sockaddr_in *a, const struct sockaddr_in *b) {
  return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

static struct association *find_by_address(const struct sockaddr_in *address) {
  struct association *a = *bucket_of(address);
  while (a != NULL && !same_address(&a->address, address)) a = a->next;
  return a;
}

/** RFC 9146 §4: content type tls12_cid (25), the id after the 11 bytes before it. A slow search: a test's few. */
static struct association *find_by_cid(const uint8_t *datagram, size_t length) {
  if (options.cid <= 0 || length < 13u + options.cid || datagram[0] != 25) return NULL;
  for (int i = 0; i < BUCKETS; i++) {
    for (struct association *a = table[i]; a != NULL; a = a->next) {
      if (a->established && memcmp(a->cid, datagram + 11, options.cid) == 0) return a;
    }
  }
  return NULL;
}

static void insert(struct association *a) {
  struct association **bucket = bucket_of(&a->address);
  a->next = *bucket;
  *bucket = a;
}

static void leave_bucket(struct association *a) {
  struct association **link = bucket_of(&a->address);
  while (*link != NULL && *link != a) link = &(*link)->next;
  if (*link == a) *link = a->next;
}

static void end_handshake(struct association *a) {
  for (int i = 0; i < handshaking_count; i++) {
    if (handshaking[i] == a) handshaking[i] = handshaking[--handshaking_count];
  }
}

static void drop(struct association *a) {
  leave_bucket(a);
  end_handshake(a);
  library_free(a);
  free(a);
}

/** A first message of a handshake in the clear, which a client sends only to begin. */
static int is_client_hello(const uint8_t *datagram, size_t length) {
  return length > 13 && datagram[0] == 22 && datagram[3] == 0 && datagram[4] == 0 && datagram[13] == 1;
}

/** Lets an association work on the datagram it was given, or on a timeout. */
static void serve(struct association *a, const struct sockaddr_in *from) {
  static uint8_t buffer[DATAGRAM_SIZE];
  if (!a->established) {
    int result = library_handshake(a);
    if (result < 0) {
      event("failed %s", a->reason);
      drop(a);
    }
    if (result <= 0) return;
    end_handshake(a);
    report_established(a);
  }
  int length;
  while ((length = library_read(a, buffer, sizeof buffer)) > 0) {
    // RFC 9146 §6 in the simplest form: the record opened, so its sender is where the answer goes.
    if (from != NULL && !same_address(&a->address, from)) {
      leave_bucket(a);
      a->address = *from;
      insert(a);
      event("rebound %d", ntohs(from->sin_port));
    }
    library_write(a, buffer, length);
    event("echo %d", length);
  }
  if (length == READ_NOTHING) return;
  if (length == READ_CLOSED) library_close(a);
  event(length == READ_CLOSED ? "closed" : "failed %s", a->reason);
  drop(a);
}

static void receive(int fd, struct association **spare) {
  static uint8_t datagram[DATAGRAM_SIZE];
  for (int i = 0; i < 64; i++) {
    struct sockaddr_in from;
    socklen_t from_length = sizeof from;
    ssize_t length = recvfrom(fd, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &from_length);
    if (length < 0) return;
    struct association *known = find_by_address(&from);
    if (known == NULL) known = find_by_cid(datagram, length);
    // RFC 6347 §4.2.8: a client that lost its association begins anew from the same port.
    struct association *a = known;
    if (a == NULL || (a->established && is_client_hello(datagram, length))) a = *spare;
    a->datagram = datagram;
    a->datagram_length = length;
    if (a == *spare) {
      a->address = from;
      int good = handshaking_count < MAX_HANDSHAKES && library_cookie(a);
      a->datagram = good ? a->datagram : NULL;
      if (!good) continue;
      if (known != NULL) drop(known);
      insert(a);
      handshaking[handshaking_count++] = a;
      *spare = new_association(fd);
    }
    serve(a, &from);
  }
}

__attribute__((noreturn)) static void serve_forever(void) {
  int fd = open_socket(options.host, options.port);
  struct association *spare = new_association(fd);
  // The port is the one thing that a quiet server says too.
  printf("listening %d\n", port_of(fd));
  fflush(stdout);
  for (;;) {
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    int wait = -1;
    for (int i = 0; i < handshaking_count; i++) {
      int64_t left = handshaking[i]->give_up_ms - now_ms();
      int timer = library_timer(handshaking[i]);
      if (timer < 0 || timer > left) timer = left > 0 ? (int)left : 0;
      if (wait < 0 || timer < wait) wait = timer;
    }
    if (poll(&polled, 1, wait) > 0) receive(fd, &spare);
    for (int i = handshaking_count - 1; i >= 0; i--) {
      struct association *a = handshaking[i];
      if (now_ms() >= a->give_up_ms) {
        event("failed handshake timeout");
        drop(a);
      } else if (library_timer(a) == 0) {
        if (library_timeout(a) >= 0) serve(a, NULL);
      }
    }
  }
}

/* --- the client --- */

static uint8_t inbound[DATAGRAM_SIZE];

/** Waits for a datagram until the library's timer or `deadline_ms`; 0 when the deadline is over. */
static int await_datagram(struct association *a, int64_t deadline_ms) {
  for (;;) {
    struct pollfd polled = {.fd = a->fd, .events = POLLIN};
    int64_t left = deadline_ms - now_ms();
    int timer = a->established ? -1 : library_timer(a);
    if (left <= 0) return 0;
    if (poll(&polled, 1, timer >= 0 && timer < left ? timer : (int)left) > 0) {
      ssize_t length = recv(a->fd, inbound, sizeof inbound, 0);
      if (length < 0) continue;
      a->datagram = inbound;
      a->datagram_length = length;
      return 1;
    }
    if (!a->established && library_timer(a) == 0) {
      if (library_timeout(a) < 0) die("%s", a->reason);
      return 1;
    }
  }
}

static struct association *establish(void) {
  struct association *a = new_association(open_socket(options.host, 0));
  a->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(options.port)};
  inet_pton(AF_INET, options.host, &a->address.sin_addr);
  int result;
  while ((result = library_handshake(a)) == 0) {
    if (!await_datagram(a, a->give_up_ms)) die("handshake timeout");
  }
  if (result < 0) die("%s", a->reason);
  report_established(a);
  return a;
}

/** Sends the text and waits for it to come back; once more each second, as datagrams get lost. */
static void exchange(struct association *a) {
  static uint8_t answer[DATAGRAM_SIZE];
  size_t length = strlen(options.text);
  for (int64_t deadline = now_ms() + options.timeout_ms; now_ms() < deadline;) {
    if (library_write(a, (const uint8_t *)options.text, length) < 0) die("%s", a->reason);
    int64_t again = now_ms() + 1000;
    while (await_datagram(a, again)) {
      int got = library_read(a, answer, sizeof answer);
      if (got == READ_CLOSED) die("closed by the peer");
      if (got == READ_FAILED) die("%s", a->reason);
      if (got == READ_NOTHING) continue;
      if ((size_t)got != length || memcmp(answer, options.text, length) != 0) die("another text came back");
      event("echo %d", got);
      return;
    }
  }
  die("no echo");
}

static void close_client(struct association *a) {
  static uint8_t ignored[DATAGRAM_SIZE];
  if (options.linger) {
    int got = READ_NOTHING;
    while (got >= 0 && await_datagram(a, now_ms() + options.timeout_ms)) got = library_read(a, ignored, sizeof ignored);
    if (got >= 0) die("the peer did not close");
    if (got == READ_FAILED) die("%s", a->reason);
  }
  library_close(a);
  event("closed");
  close(a->fd);
  library_free(a);
  free(a);
}

static int run_client(void) {
  struct association *a = establish();
  for (int i = 0; i < options.messages; i++) {
    if (i > 0) poll(NULL, 0, options.pause_ms);
    exchange(a);
  }
  if (options.rebind) {
    close(a->fd);
    a->fd = open_socket(options.host, 0);
    event("rebound %d", port_of(a->fd));
    exchange(a);
  }
  if (options.resume && !library_keep_session(a)) die("there is no session to resume");
  close_client(a);
  if (!options.resume) return 0;
  a = establish();
  exchange(a);
  close_client(a);
  return 0;
}

/* --- the command line --- */

static const char usage[] =
    "PROGRAM server|client [options]\n"
    "  --host IP --port N            where to listen (0: any free port) or whom to call\n"
    "  --cert FILE --key FILE        PEM chain and key\n"
    "  --ca FILE                     whom to trust; a server with it demands a client certificate\n"
    "  --server-name NAME            client: the name it asks for and expects (localhost)\n"
    "  --raw-public-key FILE         show the key of --key raw and expect this one (PEM) of the peer (RFC 7250)\n"
    "  --psk-identity TEXT --psk HEX --psk-hint TEXT\n"
    "  --suites A:B                  IANA names, best first\n"
    "  --groups x25519:secp256r1:secp384r1\n"
    "  --cid N                       own connection id of N random bytes; 0: only send the peer's\n"
    "  --mtu N --max-fragment 512|1024|2048|4096\n"
    "  --text T --messages N --pause MS --timeout MS\n"
    "  --rebind                      client: then from a new port, found by its connection id\n"
    "  --resume                      client: then a second association that resumes the session\n"
    "  --linger                      client: wait until the server closes\n"
    "  --quiet                       print the port alone\n";

static void parse_psk(const char *hex) {
  size_t length = strlen(hex) / 2;
  if (length == 0 || strlen(hex) % 2 != 0 || length > sizeof options.psk) die("--psk wants hex");
  for (size_t i = 0; i < length; i++) {
    unsigned byte;
    if (sscanf(hex + 2 * i, "%2x", &byte) != 1) die("--psk wants hex");
    options.psk[i] = (uint8_t)byte;
  }
  options.psk_length = length;
}

static void parse_groups(char *list) {
  static const struct { const char *name; int number; } known[] = {{"x25519", 29}, {"secp256r1", 23}, {"secp384r1", 24}};
  for (char *name = strtok(list, ":"); name != NULL; name = strtok(NULL, ":")) {
    size_t i = 0;
    while (i < 3 && strcmp(known[i].name, name) != 0) i++;
    if (i == 3 || options.group_count == MAX_GROUPS) die("--groups: %s", name);
    options.groups[options.group_count++] = known[i].number;
  }
}

static void parse_suites(char *list) {
  for (char *name = strtok(list, ":"); name != NULL; name = strtok(NULL, ":")) {
    if (options.suite_count == MAX_SUITES) die("--suites: too many");
    options.suites[options.suite_count++] = name;
  }
}

static int peer_main(int argc, char **argv) {
  enum { HOST = 1, PORT, CERT, KEY, CA, PEER_KEY, SERVER_NAME, PSK_IDENTITY, PSK, PSK_HINT, SUITES, GROUPS, CID, MTU, MAX_FRAGMENT,
         TEXT, MESSAGES, PAUSE, TIMEOUT };
  static const struct option known[] = {
      {"host", 1, 0, HOST}, {"port", 1, 0, PORT}, {"cert", 1, 0, CERT}, {"key", 1, 0, KEY}, {"ca", 1, 0, CA},
      {"raw-public-key", 1, 0, PEER_KEY}, {"server-name", 1, 0, SERVER_NAME}, {"psk-identity", 1, 0, PSK_IDENTITY}, {"psk", 1, 0, PSK},
      {"psk-hint", 1, 0, PSK_HINT}, {"suites", 1, 0, SUITES}, {"groups", 1, 0, GROUPS}, {"cid", 1, 0, CID},
      {"mtu", 1, 0, MTU}, {"max-fragment", 1, 0, MAX_FRAGMENT}, {"text", 1, 0, TEXT}, {"messages", 1, 0, MESSAGES},
      {"pause", 1, 0, PAUSE}, {"timeout", 1, 0, TIMEOUT}, {"rebind", 0, &options.rebind, 1},
      {"resume", 0, &options.resume, 1}, {"linger", 0, &options.linger, 1}, {"quiet", 0, &options.quiet, 1}, {0, 0, 0, 0}};
  if (argc == 2 && strcmp(argv[1], "version") == 0) return puts(library_version()) < 0;
  if (argc < 2 || (strcmp(argv[1], "server") != 0 && strcmp(argv[1], "client") != 0)) return fputs(usage, stderr), 2;
  options.server = argv[1][0] == 's';
  optind = 2;
  for (int found; (found = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    switch (found) {
      case 0: break;
      case HOST: options.host = optarg; break;
      case PORT: options.port = atoi(optarg); break;
      case CERT: options.certificate = optarg; break;
      case KEY: options.key = optarg; break;
      case CA: options.ca = optarg; break;
      case PEER_KEY: options.peer_key = optarg; break;
      case SERVER_NAME: options.server_name = optarg; break;
      case PSK_IDENTITY: options.psk_identity = optarg; break;
      case PSK: parse_psk(optarg); break;
      case PSK_HINT: options.psk_hint = optarg; break;
      case SUITES: parse_suites(optarg); break;
      case GROUPS: parse_groups(optarg); break;
      case CID: options.cid = atoi(optarg); break;
      case MTU: options.mtu = atoi(optarg); break;
      case MAX_FRAGMENT: options.max_fragment = atoi(optarg); break;
      case TEXT: options.text = optarg; break;
      case MESSAGES: options.messages = atoi(optarg); break;
      case PAUSE: options.pause_ms = atoi(optarg); break;
      case TIMEOUT: options.timeout_ms = atoi(optarg); break;
      default: return fputs(usage, stderr), 2;
    }
  }
  if (options.cid > 32) die("--cid: at most 32");
  library_start();
  if (options.server) serve_forever();
  return run_client();
}
