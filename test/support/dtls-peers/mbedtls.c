/* DTLS 1.2 echo client and server on Mbed TLS 2.28 and 3.6; connection ids in builds that have them. */
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_cache.h>
#include <mbedtls/ssl_cookie.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/version.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#else
#define MBEDTLS_PRIVATE(member) member
#endif

#include "peer.h"

static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_source;
static mbedtls_ssl_config configuration;
static mbedtls_x509_crt chain, anchors;
static mbedtls_pk_context private_key;
static mbedtls_ssl_cookie_ctx cookies;
static mbedtls_ssl_cache_context cache;
static mbedtls_ssl_ticket_context tickets;
static mbedtls_ssl_session kept;
static int has_kept, certificate_seen;

static const char *library_version(void) { return MBEDTLS_VERSION_STRING; }

static int failed(struct association *a, int error) {
  mbedtls_strerror(error, a->reason, sizeof a->reason);
  return -1;
}

static void check(const char *what, int error) {
  char reason[200];
  if (error == 0) return;
  mbedtls_strerror(error, reason, sizeof reason);
  die("%s: %s", what, reason);
}

/* --- one datagram per read and write; timers by the clock --- */

static int receive_datagram(void *a, unsigned char *to, size_t size) {
  int length = take_datagram(a, to, size);
  return length < 0 ? MBEDTLS_ERR_SSL_WANT_READ : length;
}

static int send_datagram(void *a, const unsigned char *bytes, size_t length) { return give_datagram(a, bytes, length); }

static void set_timers(void *pointer, uint32_t intermediate_ms, uint32_t final_ms) {
  struct association *a = pointer;
  int64_t now = now_ms();
  a->timer_ms[0] = now + intermediate_ms;
  a->timer_ms[1] = final_ms == 0 ? 0 : now + final_ms;
}

static int read_timers(void *pointer) {
  struct association *a = pointer;
  int64_t now = now_ms();
  if (a->timer_ms[1] == 0) return -1;
  return now >= a->timer_ms[1] ? 2 : now >= a->timer_ms[0];
}

/* --- configuration --- */

/** Called for each certificate of a full handshake, and for none of a resumed one. */
static int see_certificate(void *ignored, mbedtls_x509_crt *certificate, int depth, uint32_t *flags) {
  (void)ignored, (void)certificate, (void)depth, (void)flags;
  certificate_seen = 1;
  return 0;
}

static void set_suites(void) {
  static int ids[MAX_SUITES + 1];
  for (int i = 0; i < options.suite_count; i++) {
    char name[100];
    snprintf(name, sizeof name, "%s", options.suites[i]);
    for (char *c = name; *c != 0; c++) *c = *c == '_' ? '-' : *c;
    ids[i] = mbedtls_ssl_get_ciphersuite_id(name);
    if (ids[i] == 0) die("no suite %s", options.suites[i]);
  }
  mbedtls_ssl_conf_ciphersuites(&configuration, ids);
}

static void set_groups(void) {
#if MBEDTLS_VERSION_MAJOR >= 3
  static uint16_t groups[MAX_GROUPS + 1];
  for (int i = 0; i < options.group_count; i++) groups[i] = (uint16_t)options.groups[i];
  mbedtls_ssl_conf_groups(&configuration, groups);
#else
  static mbedtls_ecp_group_id groups[MAX_GROUPS + 1];
  for (int i = 0; i < options.group_count; i++)
    groups[i] = mbedtls_ecp_curve_info_from_tls_id((uint16_t)options.groups[i])->grp_id;
  groups[options.group_count] = MBEDTLS_ECP_DP_NONE;
  mbedtls_ssl_conf_curves(&configuration, groups);
#endif
}

static void set_credentials(void) {
  if (options.certificate != NULL) {
    check("--cert", mbedtls_x509_crt_parse_file(&chain, options.certificate));
#if MBEDTLS_VERSION_MAJOR >= 3
    check("--key", mbedtls_pk_parse_keyfile(&private_key, options.key, NULL, mbedtls_ctr_drbg_random, &random_source));
#else
    check("--key", mbedtls_pk_parse_keyfile(&private_key, options.key, NULL));
#endif
    check("--cert", mbedtls_ssl_conf_own_cert(&configuration, &chain, &private_key));
  }
  mbedtls_ssl_conf_authmode(&configuration, options.ca == NULL ? MBEDTLS_SSL_VERIFY_NONE : MBEDTLS_SSL_VERIFY_REQUIRED);
  if (options.ca != NULL) {
    check("--ca", mbedtls_x509_crt_parse_file(&anchors, options.ca));
    mbedtls_ssl_conf_ca_chain(&configuration, &anchors, NULL);
    mbedtls_ssl_conf_verify(&configuration, see_certificate, NULL);
  }
  if (options.psk_identity != NULL) {
    check("--psk", mbedtls_ssl_conf_psk(&configuration, options.psk, options.psk_length,
                                        (const unsigned char *)options.psk_identity, strlen(options.psk_identity)));
  }
}

static void set_server_features(void) {
  check("cookies", mbedtls_ssl_cookie_setup(&cookies, mbedtls_ctr_drbg_random, &random_source));
  mbedtls_ssl_conf_dtls_cookies(&configuration, mbedtls_ssl_cookie_write, mbedtls_ssl_cookie_check, &cookies);
  check("tickets", mbedtls_ssl_ticket_setup(&tickets, mbedtls_ctr_drbg_random, &random_source,
                                            MBEDTLS_CIPHER_AES_256_GCM, 86400));
  mbedtls_ssl_conf_session_tickets_cb(&configuration, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse, &tickets);
  mbedtls_ssl_cache_init(&cache);
  mbedtls_ssl_conf_session_cache(&configuration, &cache, mbedtls_ssl_cache_get, mbedtls_ssl_cache_set);
}

static void library_start(void) {
  mbedtls_entropy_init(&entropy);
  mbedtls_ctr_drbg_init(&random_source);
  mbedtls_x509_crt_init(&chain);
  mbedtls_x509_crt_init(&anchors);
  mbedtls_pk_init(&private_key);
  mbedtls_ssl_cookie_init(&cookies);
  mbedtls_ssl_ticket_init(&tickets);
  mbedtls_ssl_session_init(&kept);
  mbedtls_ssl_config_init(&configuration);
  check("random", mbedtls_ctr_drbg_seed(&random_source, mbedtls_entropy_func, &entropy, NULL, 0));
  check("defaults", mbedtls_ssl_config_defaults(&configuration,
                                                options.server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
                                                MBEDTLS_SSL_TRANSPORT_DATAGRAM, MBEDTLS_SSL_PRESET_DEFAULT));
  mbedtls_ssl_conf_rng(&configuration, mbedtls_ctr_drbg_random, &random_source);
#if MBEDTLS_VERSION_MAJOR >= 3
  psa_crypto_init();
  mbedtls_ssl_conf_min_tls_version(&configuration, MBEDTLS_SSL_VERSION_TLS1_2);
#else
  mbedtls_ssl_conf_min_version(&configuration, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
  if (options.peer_key != NULL) die("Mbed TLS has no raw public keys");
  if (options.suite_count > 0) set_suites();
  if (options.group_count > 0) set_groups();
  set_credentials();
  if (options.server) set_server_features();
  if (options.max_fragment > 0) {
    unsigned char code = 1;
    while (256 << code < options.max_fragment) code++;
    check("--max-fragment", mbedtls_ssl_conf_max_frag_len(&configuration, code));
  }
  if (options.cid >= 0) {
#ifdef MBEDTLS_SSL_DTLS_CONNECTION_ID
    check("--cid", mbedtls_ssl_conf_cid(&configuration, options.cid, MBEDTLS_SSL_UNEXPECTED_CID_IGNORE));
#else
    die("this Mbed TLS has no connection ids");
#endif
  }
}

/* --- one association --- */

static void offer_cid(struct association *a) {
#ifdef MBEDTLS_SSL_DTLS_CONNECTION_ID
  if (options.cid >= 0) check("--cid", mbedtls_ssl_set_cid(a->ssl, MBEDTLS_SSL_CID_ENABLED, a->cid, options.cid));
#else
  (void)a;
#endif
}

static void library_open(struct association *a) {
  mbedtls_ssl_context *ssl = a->ssl = calloc(1, sizeof *ssl);
  mbedtls_ssl_init(ssl);
  check("setup", mbedtls_ssl_setup(ssl, &configuration));
  mbedtls_ssl_set_bio(ssl, a, send_datagram, receive_datagram, NULL);
  mbedtls_ssl_set_timer_cb(ssl, a, set_timers, read_timers);
  mbedtls_ssl_set_mtu(ssl, options.mtu > 0 ? options.mtu : 1400);
  offer_cid(a);
  certificate_seen = 0;
  if (options.server) return;
  check("name", mbedtls_ssl_set_hostname(ssl, options.server_name));
  if (has_kept) check("session", mbedtls_ssl_set_session(ssl, &kept));
}

static int library_cookie(struct association *a) {
  mbedtls_ssl_context *ssl = a->ssl;
  unsigned char id[6];
  memcpy(id, &a->address.sin_addr, 4);
  memcpy(id + 4, &a->address.sin_port, 2);
  check("id", mbedtls_ssl_set_client_transport_id(ssl, id, sizeof id));
  certificate_seen = 0;
  int result = mbedtls_ssl_handshake(ssl);
  int begun = ssl->MBEDTLS_PRIVATE(state) > MBEDTLS_SSL_CLIENT_HELLO;
  if (result == MBEDTLS_ERR_SSL_WANT_READ && begun) return 1;
  if (result == MBEDTLS_ERR_SSL_WANT_READ || result == MBEDTLS_ERR_SSL_HELLO_VERIFY_REQUIRED) {
    mbedtls_ssl_session_reset(ssl);
    offer_cid(a);
    return 0;
  }
  failed(a, result); // told by library_handshake
  return 1;
}

static int library_handshake(struct association *a) {
  if (a->reason[0] != 0) return -1;
  int result = mbedtls_ssl_handshake(a->ssl);
  if (result == 0) return 1;
  return result == MBEDTLS_ERR_SSL_WANT_READ ? 0 : failed(a, result);
}

static int library_read(struct association *a, uint8_t *buffer, size_t size) {
  int result = mbedtls_ssl_read(a->ssl, buffer, size);
  if (result > 0) return result;
  if (result == MBEDTLS_ERR_SSL_WANT_READ) return READ_NOTHING;
  if (result == 0 || result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) return READ_CLOSED;
  return failed(a, result), READ_FAILED;
}

static int library_write(struct association *a, const uint8_t *bytes, size_t length) {
  int result = mbedtls_ssl_write(a->ssl, bytes, length);
  return result > 0 ? result : failed(a, result);
}

static int library_timer(struct association *a) {
  int64_t left = a->timer_ms[1] - now_ms();
  if (a->timer_ms[1] == 0) return -1;
  return left > 0 ? (int)left : 0;
}

/** The handshake looks at its timer by itself. */
static int library_timeout(struct association *a) { return (void)a, 0; }

static int was_resumed(struct association *a) {
  if (options.server) return options.ca != NULL && !certificate_seen;
  if (!has_kept) return 0; // a context gives its session away once only
  mbedtls_ssl_session session;
  mbedtls_ssl_session_init(&session);
  mbedtls_ssl_get_session(a->ssl, &session);
  int same = memcmp(session.MBEDTLS_PRIVATE(master), kept.MBEDTLS_PRIVATE(master), 48) == 0;
  mbedtls_ssl_session_free(&session);
  return same;
}

static const char *library_facts(struct association *a, int *cid, int *peer_cid, int *resumed) {
  static char name[100];
  snprintf(name, sizeof name, "%s", mbedtls_ssl_get_ciphersuite(a->ssl));
  for (char *c = name; *c != 0; c++) *c = *c == '-' ? '_' : *c;
  *resumed = was_resumed(a);
  *cid = *peer_cid = -1;
#ifdef MBEDTLS_SSL_DTLS_CONNECTION_ID
  int enabled = 0;
  size_t length = 0;
  unsigned char id[MBEDTLS_SSL_CID_OUT_LEN_MAX];
  if (mbedtls_ssl_get_peer_cid(a->ssl, &enabled, id, &length) == 0 && enabled) {
    *peer_cid = (int)length;
    *cid = options.cid;
  }
#endif
  return name;
}

static int library_keep_session(struct association *a) {
  has_kept = mbedtls_ssl_get_session(a->ssl, &kept) == 0;
  return has_kept;
}

static void library_close(struct association *a) { mbedtls_ssl_close_notify(a->ssl); }

static void library_free(struct association *a) {
  mbedtls_ssl_free(a->ssl);
  free(a->ssl);
}

int main(int argc, char **argv) { return peer_main(argc, argv); }
