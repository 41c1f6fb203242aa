/*
 * Load for a DTLS 1.2 server on loopback: one thread of OpenSSL that makes full or resumed handshakes, holds
 * associations, and sends 100-byte messages that the server echoes. In C because a Node client would be the
 * bottleneck. Once the handshake is over, an association is its keys and an address: 50,000 of them are cheap to hold.
 * All have one socket in common: each has a loopback address of its own (127.1.0.0 and up), chosen per datagram.
 *
 * load PORT PID IDENTITIES CA SERVER_NAME
 *
 * PID is the server's (on 127.0.0.1), whose CPU time is read at both ends of each measurement. IDENTITIES is a file with
 * a certificate file and a key file on each line: the clients take turns with them. Commands come on standard input, one a
 * line; each is answered by one line of JSON:
 *   clients N                        from now on only the first N identities (not answered)
 *   full K SETTLE_MS WINDOW_MS       K full handshakes under way at once, each followed by close_notify
 *   resumed K SETTLE_MS WINDOW_MS    the same, resuming one session again and again
 *   hold N K                         more associations until N are held, K handshakes at once, one echo each
 *   echo W SETTLE_MS WINDOW_MS       W messages under way at once, over all held associations in turn
 *   release                          close_notify for all
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 100, HEADER = 13, NONCE = 8, TAG = 16, RECORD = HEADER + NONCE + PAYLOAD + TAG };
enum { ADDRESSES = 1 << 20, MAX_IDENTITIES = 10000, MAX_SAMPLES = 1 << 21, HANDSHAKE_LIMIT_MS = 10000 };
/* Far above what the handshake used: a jump forward is valid (RFC 6347 §4.1.2.6). */
enum { FIRST_SEQUENCE = 1000 };

static const char suite[] = "ECDHE-ECDSA-AES128-GCM-SHA256";

struct keys { uint8_t client[16], server[16], client_iv[4], server_iv[4]; };

struct association {
  uint32_t index; /* its address is 127.1.0.0 plus this */
  SSL *ssl;       /* until the handshake is over */
  const uint8_t *datagram; /* what came in for the handshake */
  size_t datagram_length;
  struct keys keys;
  uint64_t sequence;
  int64_t began_ns;
};

struct identity { X509 *certificate; STACK_OF(X509) *issuers; EVP_PKEY *key; };

static SSL_CTX *context;
static SSL_SESSION *kept;
static EVP_CIPHER_CTX *sealer, *opener;
static struct sockaddr_in server;
static BIO_METHOD *datagrams;
static const char *server_name;
static int fd, server_pid;

static struct identity identities[MAX_IDENTITIES];
static int identity_count, identities_used, identity_turn;

static struct association *by_address[ADDRESSES];
static uint32_t next_address;
static struct association **held;
static int held_count, cursor;
static struct association *handshaking[1024];
static int handshaking_count;

/* what a measurement counts */
static uint64_t operations, failures, not_resumed, stalls;
static uint32_t *samples_us;
static int sample_count, window_open;
static char last_failure[200];

/* --- small things --- */

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void sample(int64_t began_ns) {
  operations++;
  if (window_open && sample_count < MAX_SAMPLES) samples_us[sample_count++] = (uint32_t)((now_ns() - began_ns) / 1000);
}

/** CPU time of a process so far, all threads: /proc/<pid>/task/<tid>/schedstat, first figure. */
static uint64_t cpu_ns(int pid) {
  char path[100];
  uint64_t total = 0;
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *threads = opendir(path);
  if (threads == NULL) die("the server (process %d) is gone", pid);
  for (struct dirent *thread; (thread = readdir(threads)) != NULL;) {
    unsigned long long used = 0;
    if (thread->d_name[0] == '.') continue;
    snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", pid, thread->d_name);
    FILE *file = fopen(path, "r");
    if (file == NULL) continue;
    if (fscanf(file, "%llu", &used) == 1) total += used;
    fclose(file);
  }
  closedir(threads);
  return total;
}

/* --- keys and records of RFC 5288, RFC 6347: what is left of an association after its handshake --- */

/** RFC 5246 §5 and §6.3: P_SHA256 over the master secret, "key expansion" and both randoms. */
static void derive_keys(SSL *ssl, struct keys *keys) {
  uint8_t master[48], seed[13 + 64], a[32], input[32 + sizeof seed], block[64];
  unsigned int length = 32;
  memcpy(seed, "key expansion", 13);
  SSL_get_server_random(ssl, seed + 13, 32);
  SSL_get_client_random(ssl, seed + 45, 32);
  SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof master);
  HMAC(EVP_sha256(), master, sizeof master, seed, sizeof seed, a, &length);
  for (int i = 0; i < 2; i++) {
    memcpy(input, a, 32);
    memcpy(input + 32, seed, sizeof seed);
    HMAC(EVP_sha256(), master, sizeof master, input, sizeof input, block + 32 * i, &length);
    HMAC(EVP_sha256(), master, sizeof master, a, 32, a, &length);
  }
  memcpy(keys, block, sizeof *keys); // client key, server key, client IV, server IV: in this order
}

static void put_nonce_and_aad(const uint8_t *record, const uint8_t *iv, int type, size_t length, uint8_t *nonce, uint8_t *aad) {
  memcpy(nonce, iv, 4);
  memcpy(nonce + 4, record + HEADER, NONCE);
  memcpy(aad, record + 3, 8); // epoch and sequence number
  aad[8] = (uint8_t)type;
  aad[9] = 0xfe;
  aad[10] = 0xfd;
  aad[11] = (uint8_t)(length >> 8);
  aad[12] = (uint8_t)length;
}

static size_t seal(struct association *a, int type, const uint8_t *bytes, size_t length, uint8_t *record) {
  uint8_t nonce[12], aad[13];
  int done, body = NONCE + (int)length + TAG;
  record[0] = (uint8_t)type;
  record[1] = 0xfe;
  record[2] = 0xfd;
  record[3] = 0;
  record[4] = 1; // epoch 1
  for (int i = 0; i < 6; i++) record[5 + i] = (uint8_t)(a->sequence >> (8 * (5 - i)));
  record[11] = (uint8_t)(body >> 8);
  record[12] = (uint8_t)body;
  memcpy(record + HEADER, record + 3, NONCE);
  a->sequence++;
  put_nonce_and_aad(record, a->keys.client_iv, type, length, nonce, aad);
  EVP_EncryptInit_ex(sealer, NULL, NULL, a->keys.client, nonce);
  EVP_EncryptUpdate(sealer, NULL, &done, aad, sizeof aad);
  EVP_EncryptUpdate(sealer, record + HEADER + NONCE, &done, bytes, (int)length);
  EVP_EncryptFinal_ex(sealer, record + HEADER + NONCE + length, &done);
  EVP_CIPHER_CTX_ctrl(sealer, EVP_CTRL_AEAD_GET_TAG, TAG, record + HEADER + NONCE + length);
  return HEADER + body;
}

static int open_echo(struct association *a, uint8_t *record, size_t size, uint8_t *plaintext) {
  uint8_t nonce[12], aad[13];
  int done;
  if (size != RECORD || record[0] != 23) return 0;
  put_nonce_and_aad(record, a->keys.server_iv, 23, PAYLOAD, nonce, aad);
  EVP_DecryptInit_ex(opener, NULL, NULL, a->keys.server, nonce);
  EVP_DecryptUpdate(opener, NULL, &done, aad, sizeof aad);
  EVP_DecryptUpdate(opener, plaintext, &done, record + HEADER + NONCE, PAYLOAD);
  EVP_CIPHER_CTX_ctrl(opener, EVP_CTRL_AEAD_SET_TAG, TAG, record + RECORD - TAG);
  return EVP_DecryptFinal_ex(opener, plaintext + done, &done) == 1;
}

/* --- one socket, an address per association --- */

static void send_datagram(const struct association *a, const void *bytes, size_t length) {
  union { char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))]; struct cmsghdr header; } control = {0};
  struct iovec data = {.iov_base = (void *)bytes, .iov_len = length};
  struct msghdr message = {.msg_name = &server, .msg_namelen = sizeof server, .msg_iov = &data, .msg_iovlen = 1,
                           .msg_control = &control, .msg_controllen = sizeof control};
  struct in_pktinfo from = {.ipi_spec_dst.s_addr = htonl(0x7f010000 + a->index)};
  control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof from), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
  memcpy(CMSG_DATA(&control.header), &from, sizeof from);
  sendmsg(fd, &message, 0);
}

/** The next datagram and the association whose address it came to; the length is -1 when none waits. */
static ssize_t receive_datagram(uint8_t *to, size_t size, struct association **whose) {
  union { char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))]; struct cmsghdr header; } control;
  struct iovec data = {.iov_base = to, .iov_len = size};
  struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  struct in_pktinfo at = {0};
  ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT);
  *whose = NULL;
  if (length < 0) return -1;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) memcpy(&at, CMSG_DATA(c), sizeof at);
  }
  uint32_t index = ntohl(at.ipi_addr.s_addr) - 0x7f010000;
  if (index < ADDRESSES) *whose = by_address[index];
  return length;
}

static void await_datagram(int timeout_ms) {
  struct pollfd polled = {.fd = fd, .events = POLLIN};
  poll(&polled, 1, timeout_ms);
}

static int handshake_read(BIO *bio, char *to, int size) {
  struct association *a = BIO_get_data(bio);
  size_t length = a->datagram_length < (size_t)size ? a->datagram_length : (size_t)size;
  BIO_clear_retry_flags(bio);
  if (a->datagram == NULL) {
    BIO_set_retry_read(bio);
    return -1;
  }
  memcpy(to, a->datagram, length);
  a->datagram = NULL;
  return (int)length;
}

static int handshake_write(BIO *bio, const char *bytes, int length) {
  send_datagram(BIO_get_data(bio), bytes, length);
  return length;
}

static long handshake_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

static void send_echo(struct association *a) {
  uint8_t payload[PAYLOAD] = {0}, record[RECORD];
  int64_t now = now_ns();
  memcpy(payload, &now, sizeof now);
  send_datagram(a, record, seal(a, 23, payload, sizeof payload, record));
}

/* --- handshakes --- */

static void forget(struct association *a) {
  if (a->ssl != NULL) SSL_free(a->ssl);
  by_address[a->index] = NULL;
  free(a);
}

static void start_handshake(SSL_SESSION *resume) {
  struct association *a = calloc(1, sizeof *a);
  const struct identity *own = &identities[identity_turn++ % identities_used];
  BIO *bio = BIO_new(datagrams);
  while (by_address[next_address] != NULL) next_address = (next_address + 1) % ADDRESSES;
  a->index = next_address;
  // The next one: an address that was used lately may still have an association at the server.
  next_address = (next_address + 1) % ADDRESSES;
  by_address[a->index] = a;
  a->began_ns = now_ns();
  a->sequence = FIRST_SEQUENCE;
  a->ssl = SSL_new(context);
  BIO_set_data(bio, a);
  BIO_set_init(bio, 1);
  SSL_set_bio(a->ssl, bio, bio);
  SSL_set_mtu(a->ssl, 1400);
  SSL_set_connect_state(a->ssl);
  SSL_set_tlsext_host_name(a->ssl, server_name);
  SSL_set1_host(a->ssl, server_name);
  SSL_use_cert_and_key(a->ssl, own->certificate, own->key, own->issuers, 1);
  if (resume != NULL) SSL_set_session(a->ssl, resume);
  handshaking[handshaking_count++] = a;
  SSL_do_handshake(a->ssl);
}

static void leave_handshaking(struct association *a) {
  for (int i = 0; i < handshaking_count; i++) {
    if (handshaking[i] == a) handshaking[i] = handshaking[--handshaking_count];
  }
}

static void fail(struct association *a, const char *reason) {
  if (failures++ == 0) snprintf(last_failure, sizeof last_failure, "%s", reason);
  leave_handshaking(a);
  forget(a);
  if (failures > 100) die("100 handshakes failed; the first: %s", last_failure);
}

/** 1 when the handshake is over. */
static int advance(struct association *a, const uint8_t *datagram, size_t length) {
  a->datagram = datagram;
  a->datagram_length = length;
  ERR_clear_error();
  int result = SSL_do_handshake(a->ssl);
  if (result == 1) {
    leave_handshaking(a);
    return 1;
  }
  if (SSL_get_error(a->ssl, result) == SSL_ERROR_WANT_READ) return 0;
  const char *reason = ERR_reason_error_string(ERR_peek_last_error());
  fail(a, reason == NULL ? "the server refused" : reason);
  return 0;
}

static void look_at_timers(void) {
  static int64_t last_ns;
  int64_t now = now_ns();
  if (now - last_ns < 50000000) return;
  last_ns = now;
  for (int i = handshaking_count - 1; i >= 0; i--) {
    struct association *a = handshaking[i];
    if (now - a->began_ns > HANDSHAKE_LIMIT_MS * 1000000LL) fail(a, "handshake timeout");
    else DTLSv1_handle_timeout(a->ssl);
  }
}

/* --- measuring --- */

struct meter { uint64_t cpu, operations; int64_t at, own_us; };

static int64_t own_cpu_us(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

static struct meter begin(void) {
  window_open = 1;
  sample_count = 0;
  operations = failures = not_resumed = stalls = 0;
  last_failure[0] = 0;
  return (struct meter){.cpu = cpu_ns(server_pid), .at = now_ns(), .own_us = own_cpu_us()};
}

static int by_size(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

static uint32_t quantile(double part) { return sample_count == 0 ? 0 : samples_us[(int)(part * (sample_count - 1))]; }

static void report(const struct meter *before) {
  uint64_t cpu = cpu_ns(server_pid) - before->cpu;
  double wall_ms = (double)(now_ns() - before->at) / 1e6;
  window_open = 0;
  qsort(samples_us, sample_count, sizeof *samples_us, by_size);
  printf("{\"operations\":%llu,\"wallMs\":%.3f,\"cpuNs\":%llu,\"generatorCpuMs\":%.3f,\"failures\":%llu,"
         "\"notResumed\":%llu,\"stalls\":%llu,\"held\":%d,\"p50Us\":%u,\"p99Us\":%u}\n",
         (unsigned long long)operations, wall_ms, (unsigned long long)cpu, (double)(own_cpu_us() - before->own_us) / 1e3,
         (unsigned long long)failures, (unsigned long long)not_resumed, (unsigned long long)stalls, held_count,
         quantile(0.5), quantile(0.99));
  fflush(stdout);
}

/** K handshakes under way at once until the time is over; the first `settle_ms` do not count. */
static void run_handshakes(int concurrency, int settle_ms, int window_ms, int resume) {
  uint8_t datagram[4096];
  int64_t began = now_ns(), opens = began + settle_ms * 1000000LL, ends = opens + window_ms * 1000000LL;
  struct meter meter = begin();
  int counting = 0;
  while (now_ns() < ends) {
    if (!counting && now_ns() >= opens) {
      meter = begin();
      counting = 1;
    }
    // The first of a resuming run makes the session that the others resume.
    int target = resume && kept == NULL ? 1 : concurrency;
    while (handshaking_count < target) start_handshake(resume ? kept : NULL);
    await_datagram(20);
    struct association *a;
    for (ssize_t length; (length = receive_datagram(datagram, sizeof datagram, &a)) >= 0;) {
      if (a == NULL || !advance(a, datagram, length)) continue;
      if (resume && kept != NULL && !SSL_session_reused(a->ssl)) not_resumed++;
      if (resume && kept == NULL) kept = SSL_get1_session(a->ssl);
      sample(a->began_ns);
      SSL_shutdown(a->ssl);
      forget(a);
    }
    look_at_timers();
  }
  report(&meter);
  while (handshaking_count > 0) {
    struct association *a = handshaking[0];
    leave_handshaking(a);
    forget(a);
  }
}

/** Held until one echo came back: the server is done with the handshake too. */
static void run_hold(int count, int concurrency) {
  uint8_t datagram[4096], plaintext[PAYLOAD];
  struct meter meter = begin();
  int confirming = 0;
  int64_t heard = now_ns();
  if (count > ADDRESSES / 2) die("hold: at most %d", ADDRESSES / 2);
  while (held_count < count) {
    while (handshaking_count + confirming < concurrency && held_count + handshaking_count + confirming < count)
      start_handshake(NULL);
    await_datagram(20);
    struct association *a;
    for (ssize_t length; (length = receive_datagram(datagram, sizeof datagram, &a)) >= 0;) {
      heard = now_ns();
      if (a == NULL) continue;
      if (a->ssl != NULL) {
        if (!advance(a, datagram, length)) continue;
        derive_keys(a->ssl, &a->keys);
        SSL_free(a->ssl);
        a->ssl = NULL;
        confirming++;
        send_echo(a);
      } else if (open_echo(a, datagram, length, plaintext)) {
        confirming--;
        sample(a->began_ns);
        held[held_count++] = a;
      }
    }
    look_at_timers();
    if (now_ns() - heard > 15000000000LL) die("hold: nothing from the server for 15 s at %d associations", held_count);
  }
  report(&meter);
}

static void send_next(void) {
  if (cursor >= held_count) cursor = 0;
  send_echo(held[cursor++]);
}

static void run_echo(int outstanding, int settle_ms, int window_ms) {
  uint8_t datagram[4096], plaintext[PAYLOAD];
  int64_t began = now_ns(), opens = began + settle_ms * 1000000LL, ends = opens + window_ms * 1000000LL, heard = began;
  struct meter meter = begin();
  int counting = 0, under_way = 0;
  if (held_count == 0) die("echo: no association is held");
  while (now_ns() < ends) {
    if (!counting && now_ns() >= opens) {
      meter = begin();
      counting = 1;
    }
    while (under_way < outstanding) {
      send_next();
      under_way++;
    }
    await_datagram(20);
    struct association *a;
    for (ssize_t length; (length = receive_datagram(datagram, sizeof datagram, &a)) >= 0;) {
      int64_t sent_ns;
      if (a == NULL || !open_echo(a, datagram, length, plaintext)) continue;
      memcpy(&sent_ns, plaintext, sizeof sent_ns);
      sample(sent_ns);
      heard = now_ns();
      send_next();
    }
    // Datagrams that were lost in a full buffer would leave less and less under way.
    if (now_ns() - heard > 500000000) {
      stalls++;
      under_way = 0;
      heard = now_ns();
    }
  }
  report(&meter);
  // What is still under way is taken out of the buffer, so that it does not count as the next measurement's.
  struct timespec rest = {.tv_nsec = 50000000};
  struct association *whose;
  nanosleep(&rest, NULL);
  while (receive_datagram(datagram, sizeof datagram, &whose) >= 0) continue;
}

/** Paced, so that the server's buffer takes them all. */
static void run_release(void) {
  struct meter meter = begin();
  static const uint8_t close_notify[] = {1, 0};
  struct timespec pause = {.tv_nsec = 1000000};
  while (held_count > 0) {
    struct association *a = held[--held_count];
    uint8_t record[RECORD];
    send_datagram(a, record, seal(a, 21, close_notify, sizeof close_notify, record));
    forget(a);
    operations++;
    if (held_count % 20 == 0) nanosleep(&pause, NULL);
  }
  cursor = 0;
  report(&meter);
}

/* --- start --- */

static void open_socket(void) {
  int on = 1, size = 4 << 20;
  struct sockaddr_in any = {.sin_family = AF_INET};
  fd = socket(AF_INET, SOCK_DGRAM, 0);
  // Bound to all addresses, because it has many; to the loopback interface alone, because nobody else is meant.
  if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) < 0) die("lo: %s", strerror(errno));
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0) die("bind: %s", strerror(errno));
}

static void read_identities(const char *list) {
  char certificate[1024], key[1024];
  FILE *lines = fopen(list, "r");
  if (lines == NULL) die("%s: %s", list, strerror(errno));
  while (identity_count < MAX_IDENTITIES && fscanf(lines, "%1023s %1023s", certificate, key) == 2) {
    struct identity *own = &identities[identity_count++];
    BIO *pem = BIO_new_file(certificate, "r"), *key_pem = BIO_new_file(key, "r");
    if (pem == NULL || key_pem == NULL) die("%s or %s is not readable", certificate, key);
    own->certificate = PEM_read_bio_X509(pem, NULL, NULL, NULL);
    own->issuers = sk_X509_new_null();
    for (X509 *issuer; (issuer = PEM_read_bio_X509(pem, NULL, NULL, NULL)) != NULL;) sk_X509_push(own->issuers, issuer);
    own->key = PEM_read_bio_PrivateKey(key_pem, NULL, NULL, NULL);
    if (own->certificate == NULL || own->key == NULL) die("%s or %s holds nothing", certificate, key);
    BIO_free(pem);
    BIO_free(key_pem);
  }
  fclose(lines);
  if (identity_count == 0) die("%s names no identity", list);
  identities_used = identity_count;
}

static void set_up(char **argv) {
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
  server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  server_pid = atoi(argv[2]);
  server_name = argv[5];
  open_socket();
  read_identities(argv[3]);
  samples_us = malloc(MAX_SAMPLES * sizeof *samples_us);
  held = malloc(ADDRESSES * sizeof *held);
  datagrams = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
  BIO_meth_set_read(datagrams, handshake_read);
  BIO_meth_set_write(datagrams, handshake_write);
  BIO_meth_set_ctrl(datagrams, handshake_control);
  context = SSL_CTX_new(DTLS_client_method());
  SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_cipher_list(context, suite);
  SSL_CTX_set1_groups_list(context, "P-256");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
  if (SSL_CTX_load_verify_locations(context, argv[4], NULL) != 1) die("%s is not readable", argv[4]);
  sealer = EVP_CIPHER_CTX_new();
  opener = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(sealer, EVP_aes_128_gcm(), NULL, NULL, NULL);
  EVP_DecryptInit_ex(opener, EVP_aes_128_gcm(), NULL, NULL, NULL);
}

int main(int argc, char **argv) {
  char line[200];
  int a, b, c;
  if (argc != 6) die("load PORT PID IDENTITIES CA SERVER_NAME");
  set_up(argv);
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "full %d %d %d", &a, &b, &c) == 3) run_handshakes(a, b, c, 0);
    else if (sscanf(line, "resumed %d %d %d", &a, &b, &c) == 3) run_handshakes(a, b, c, 1);
    else if (sscanf(line, "hold %d %d", &a, &b) == 2) run_hold(a, b);
    else if (sscanf(line, "echo %d %d %d", &a, &b, &c) == 3) run_echo(a, b, c);
    else if (sscanf(line, "clients %d", &a) == 1 && a > 0) identities_used = a < identity_count ? a : identity_count;
    else if (strcmp(line, "release\n") == 0) run_release();
    else die("no command: %s", line);
  }
  return 0;
}
