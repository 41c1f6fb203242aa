/* DTLS 1.2 echo client and server on wolfSSL 5; connection ids in builds that have them. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/version.h>

#include "peer.h"

static WOLFSSL_CTX *context;
static WOLFSSL_SESSION *kept;
static uint8_t cookie_key[32];

static const char *library_version(void) { return LIBWOLFSSL_VERSION_STRING; }

/* --- one datagram per read and write --- */

static int receive_datagram(WOLFSSL *ssl, char *to, int size, void *a) {
  int length = take_datagram(a, to, size);
  (void)ssl;
  return length < 0 ? WOLFSSL_CBIO_ERR_WANT_READ : length;
}

static int send_datagram(WOLFSSL *ssl, char *bytes, int length, void *a) {
  return (void)ssl, give_datagram(a, bytes, length);
}

/** A hash of a secret and the address: this side remembers the rest of the first ClientHello anyway. */
static int make_cookie(WOLFSSL *ssl, unsigned char *cookie, int size, void *pointer) {
  const struct association *a = pointer;
  uint8_t input[sizeof cookie_key + 6], digest[WC_SHA256_DIGEST_SIZE];
  wc_Sha256 sha;
  (void)ssl;
  memcpy(input, cookie_key, sizeof cookie_key);
  memcpy(input + sizeof cookie_key, &a->address.sin_addr, 4);
  memcpy(input + sizeof cookie_key + 4, &a->address.sin_port, 2);
  wc_InitSha256(&sha);
  wc_Sha256Update(&sha, input, sizeof input);
  wc_Sha256Final(&sha, digest);
  size = size < (int)sizeof digest ? size : (int)sizeof digest;
  memcpy(cookie, digest, size);
  return size;
}

static unsigned int psk_of_client(WOLFSSL *ssl, const char *hint, char *identity, unsigned int identity_size,
                                  unsigned char *psk, unsigned int psk_size) {
  (void)ssl, (void)hint;
  if (strlen(options.psk_identity) >= identity_size || options.psk_length > psk_size) return 0;
  strcpy(identity, options.psk_identity);
  memcpy(psk, options.psk, options.psk_length);
  return options.psk_length;
}

static unsigned int psk_of_server(WOLFSSL *ssl, const char *identity, unsigned char *psk, unsigned int psk_size) {
  (void)ssl;
  if (strcmp(identity, options.psk_identity) != 0 || options.psk_length > psk_size) return 0;
  memcpy(psk, options.psk, options.psk_length);
  return options.psk_length;
}

/* --- configuration --- */

static void set_suites(void) {
  char list[1024] = "";
  for (int i = 0; i < options.suite_count; i++) {
    if (strlen(list) + strlen(options.suites[i]) + 2 > sizeof list) die("too many suites");
    if (i > 0) strcat(list, ":");
    strcat(list, options.suites[i]);
  }
  if (wolfSSL_CTX_set_cipher_list(context, list) != WOLFSSL_SUCCESS) die("suites refused: %s", list);
}

static void set_credentials(void) {
  if (options.certificate != NULL) {
    if (wolfSSL_CTX_use_certificate_chain_file(context, options.certificate) != WOLFSSL_SUCCESS) die("--cert refused");
    if (wolfSSL_CTX_use_PrivateKey_file(context, options.key, WOLFSSL_FILETYPE_PEM) != WOLFSSL_SUCCESS)
      die("--key refused");
  }
  if (options.ca == NULL) {
    wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_NONE, NULL);
  } else {
    if (wolfSSL_CTX_load_verify_locations(context, options.ca, NULL) != WOLFSSL_SUCCESS) die("--ca refused");
    wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  }
  if (options.psk_identity == NULL) return;
#ifdef NO_PSK
  die("this wolfSSL has no pre-shared keys");
#else
  wolfSSL_CTX_set_psk_client_callback(context, psk_of_client);
  wolfSSL_CTX_set_psk_server_callback(context, psk_of_server);
  if (options.psk_hint != NULL) wolfSSL_CTX_use_psk_identity_hint(context, options.psk_hint);
#endif
}

static void library_start(void) {
  wolfSSL_Init();
  random_bytes(cookie_key, sizeof cookie_key);
  context = wolfSSL_CTX_new(options.server ? wolfDTLSv1_2_server_method() : wolfDTLSv1_2_client_method());
  if (context == NULL) die("no DTLS 1.2");
  if (options.peer_key != NULL) die("raw public keys are not wired up here");
  if (options.suite_count > 0) set_suites();
  for (int i = 0; i < options.group_count; i++) {
    if (wolfSSL_CTX_UseSupportedCurve(context, (word16)options.groups[i]) != WOLFSSL_SUCCESS) die("groups refused");
  }
  set_credentials();
  wolfSSL_CTX_SetIORecv(context, receive_datagram);
  wolfSSL_CTX_SetIOSend(context, send_datagram);
  wolfSSL_CTX_SetGenCookie(context, make_cookie);
}

/* --- one association --- */

static int failed(struct association *a, int result) {
  char text[WOLFSSL_MAX_ERROR_SZ];
  int error = wolfSSL_get_error(a->ssl, result);
  snprintf(a->reason, sizeof a->reason, "%s (%d)", wolfSSL_ERR_error_string(error, text), error);
  return -1;
}

static void library_open(struct association *a) {
  WOLFSSL *ssl = a->ssl = wolfSSL_new(context);
  if (ssl == NULL) die("no association");
  wolfSSL_SetIOReadCtx(ssl, a);
  wolfSSL_SetIOWriteCtx(ssl, a);
  wolfSSL_SetCookieCtx(ssl, a);
  wolfSSL_dtls_set_using_nonblock(ssl, 1);
  if (options.mtu > 0) {
#ifdef WOLFSSL_DTLS_MTU
    if (wolfSSL_dtls_set_mtu(ssl, (word16)options.mtu) != WOLFSSL_SUCCESS) die("--mtu refused");
#else
    die("this wolfSSL takes no MTU");
#endif
  }
  if (options.cid >= 0) {
#ifdef WOLFSSL_DTLS_CID
    if (wolfSSL_dtls_cid_use(ssl) != WOLFSSL_SUCCESS ||
        wolfSSL_dtls_cid_set(ssl, a->cid, (unsigned int)options.cid) != WOLFSSL_SUCCESS)
      die("--cid refused");
#else
    die("this wolfSSL has no connection ids");
#endif
  }
  if (options.server) return;
  wolfSSL_UseSNI(ssl, WOLFSSL_SNI_HOST_NAME, options.server_name, (unsigned short)strlen(options.server_name));
  if (options.ca != NULL) wolfSSL_check_domain_name(ssl, options.server_name);
  wolfSSL_UseSessionTicket(ssl);
  if (options.max_fragment > 0) {
    unsigned char code = 1;
    while (256 << code < options.max_fragment) code++;
    if (wolfSSL_UseMaxFragment(ssl, code) != WOLFSSL_SUCCESS) die("--max-fragment refused");
  }
  if (kept != NULL) wolfSSL_set_session(ssl, kept);
}

/** wolfSSL keeps the first ClientHello: an association belongs to an address from its first datagram on. */
static int library_cookie(struct association *a) { return is_client_hello(a->datagram, a->datagram_length); }

static int library_handshake(struct association *a) {
  int heard = a->datagram != NULL;
  int result = options.server ? wolfSSL_accept(a->ssl) : wolfSSL_connect(a->ssl);
  if (result == WOLFSSL_SUCCESS) return 1;
  if (wolfSSL_get_error(a->ssl, result) != WOLFSSL_ERROR_WANT_READ) return failed(a, result);
  if (heard || a->timer_ms[0] == 0) a->timer_ms[0] = now_ms() + wolfSSL_dtls_get_current_timeout(a->ssl) * 1000;
  return 0;
}

static int library_read(struct association *a, uint8_t *buffer, size_t size) {
  int result = wolfSSL_read(a->ssl, buffer, (int)size);
  if (result > 0) return result;
  int error = wolfSSL_get_error(a->ssl, result);
  if (error == WOLFSSL_ERROR_WANT_READ) return READ_NOTHING;
  if (error == WOLFSSL_ERROR_ZERO_RETURN) return READ_CLOSED;
  return failed(a, result), READ_FAILED;
}

static int library_write(struct association *a, const uint8_t *bytes, size_t length) {
  int result = wolfSSL_write(a->ssl, bytes, (int)length);
  return result > 0 ? result : failed(a, result);
}

static int library_timer(struct association *a) {
  int64_t left = a->timer_ms[0] - now_ms();
  if (a->timer_ms[0] == 0) return -1;
  return left > 0 ? (int)left : 0;
}

static int library_timeout(struct association *a) {
  a->timer_ms[0] = 0;
  return wolfSSL_dtls_got_timeout(a->ssl) == WOLFSSL_SUCCESS ? 0 : failed(a, -1);
}

static const char *library_facts(struct association *a, int *cid, int *peer_cid, int *resumed) {
  *resumed = wolfSSL_session_reused(a->ssl);
  *cid = *peer_cid = -1;
#ifdef WOLFSSL_DTLS_CID
  unsigned int length = 0;
  if (wolfSSL_dtls_cid_is_enabled(a->ssl)) {
    wolfSSL_dtls_cid_get_rx_size(a->ssl, &length);
    *cid = (int)length;
    wolfSSL_dtls_cid_get_tx_size(a->ssl, &length);
    *peer_cid = (int)length;
  }
#endif
  int suite = wolfSSL_get_current_cipher_suite(a->ssl);
  return wolfSSL_get_cipher_name_iana_from_suite((unsigned char)(suite >> 8), (unsigned char)suite);
}

static int library_keep_session(struct association *a) {
  kept = wolfSSL_get1_session(a->ssl);
  return kept != NULL;
}

static void library_close(struct association *a) { wolfSSL_shutdown(a->ssl); }
static void library_free(struct association *a) { wolfSSL_free(a->ssl); }

int main(int argc, char **argv) { return peer_main(argc, argv); }
