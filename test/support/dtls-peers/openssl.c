/* DTLS 1.2 echo client and server on OpenSSL 3. It has no connection ids. */
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "peer.h"

static SSL_CTX *context;
static BIO_METHOD *datagrams;
static SSL_SESSION *kept;
static EVP_PKEY *peer_key;
static uint8_t cookie_key[32];

static const char *library_version(void) { return OpenSSL_version(OPENSSL_VERSION_STRING); }

/* --- one datagram per read and write, from and to the association at hand --- */

static int datagram_read(BIO *bio, char *to, int size) {
  int length = take_datagram(BIO_get_data(bio), to, size);
  BIO_clear_retry_flags(bio);
  if (length < 0) BIO_set_retry_read(bio);
  return length;
}

static int datagram_write(BIO *bio, const char *bytes, int length) {
  return give_datagram(BIO_get_data(bio), bytes, length);
}

static long datagram_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

/* --- the cookie: an HMAC over the address, so that nothing is stored for it --- */

static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned int *length) {
  const struct association *a = SSL_get_app_data(ssl);
  uint8_t input[6];
  memcpy(input, &a->address.sin_addr, 4);
  memcpy(input + 4, &a->address.sin_port, 2);
  return HMAC(EVP_sha256(), cookie_key, sizeof cookie_key, input, sizeof input, cookie, length) != NULL;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned int length) {
  unsigned char expected[EVP_MAX_MD_SIZE];
  unsigned int expected_length;
  return make_cookie(ssl, expected, &expected_length) && length == expected_length &&
         CRYPTO_memcmp(cookie, expected, length) == 0;
}

static unsigned int psk_of_client(SSL *ssl, const char *hint, char *identity, unsigned int identity_size,
                                  unsigned char *psk, unsigned int psk_size) {
  (void)ssl, (void)hint;
  if (strlen(options.psk_identity) >= identity_size || options.psk_length > psk_size) return 0;
  strcpy(identity, options.psk_identity);
  memcpy(psk, options.psk, options.psk_length);
  return options.psk_length;
}

static unsigned int psk_of_server(SSL *ssl, const char *identity, unsigned char *psk, unsigned int psk_size) {
  (void)ssl;
  if (strcmp(identity, options.psk_identity) != 0 || options.psk_length > psk_size) return 0;
  memcpy(psk, options.psk, options.psk_length);
  return options.psk_length;
}

/* --- configuration --- */

static void set_suites(void) {
  char list[1024] = "";
  SSL_CTX_set_security_level(context, 0); // else no CCM_8
  SSL_CTX_set_cipher_list(context, "ALL:COMPLEMENTOFALL");
  STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(context);
  for (int i = 0; i < options.suite_count; i++) {
    const SSL_CIPHER *found = NULL;
    for (int j = 0; j < sk_SSL_CIPHER_num(all) && found == NULL; j++) {
      const SSL_CIPHER *suite = sk_SSL_CIPHER_value(all, j);
      if (strcmp(SSL_CIPHER_standard_name(suite), options.suites[i]) == 0) found = suite;
    }
    if (found == NULL) die("no suite %s", options.suites[i]);
    if (strlen(list) + strlen(SSL_CIPHER_get_name(found)) + 2 > sizeof list) die("too many suites");
    if (i > 0) strcat(list, ":");
    strcat(list, SSL_CIPHER_get_name(found));
  }
  if (SSL_CTX_set_cipher_list(context, list) != 1) die("suites refused: %s", list);
}

static void set_groups(void) {
  char list[64] = "";
  for (int i = 0; i < options.group_count; i++) {
    if (i > 0) strcat(list, ":");
    strcat(list, options.groups[i] == 29 ? "X25519" : options.groups[i] == 23 ? "P-256" : "P-384");
  }
  if (SSL_CTX_set1_groups_list(context, list) != 1) die("groups refused: %s", list);
}

static void read_peer_key(void) {
  BIO *file = BIO_new_file(options.peer_key, "r");
  peer_key = file == NULL ? NULL : PEM_read_bio_PUBKEY(file, NULL, NULL, NULL);
  if (peer_key == NULL) die("--raw-public-key: no public key in %s", options.peer_key);
  BIO_free(file);
}

static void library_start(void) {
  // The machine's openssl.cnf has no say.
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
  datagrams = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
  BIO_meth_set_read(datagrams, datagram_read);
  BIO_meth_set_write(datagrams, datagram_write);
  BIO_meth_set_ctrl(datagrams, datagram_control);
  random_bytes(cookie_key, sizeof cookie_key);

  context = SSL_CTX_new(DTLS_method());
  SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_cookie_generate_cb(context, make_cookie);
  SSL_CTX_set_cookie_verify_cb(context, check_cookie);
  SSL_CTX_set_session_id_context(context, (const unsigned char *)"peer", 4);
  if (options.suite_count > 0) set_suites();
  if (options.group_count > 0) set_groups();
  if (options.certificate != NULL && SSL_CTX_use_certificate_chain_file(context, options.certificate) != 1)
    die("--cert: %s", ERR_reason_error_string(ERR_peek_last_error()));
  if (options.key != NULL && SSL_CTX_use_PrivateKey_file(context, options.key, SSL_FILETYPE_PEM) != 1)
    die("--key: %s", ERR_reason_error_string(ERR_peek_last_error()));
  if (options.ca != NULL) {
    if (SSL_CTX_load_verify_locations(context, options.ca, NULL) != 1) die("--ca: not readable");
    SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(options.ca));
  }
  if (options.ca != NULL || options.peer_key != NULL)
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  if (options.peer_key != NULL) {
    read_peer_key();
    SSL_CTX_dane_enable(context); // OpenSSL checks raw keys by its code for DANE
  }
  if (options.psk_identity != NULL) {
    SSL_CTX_set_psk_client_callback(context, psk_of_client);
    SSL_CTX_set_psk_server_callback(context, psk_of_server);
    if (options.psk_hint != NULL) SSL_CTX_use_psk_identity_hint(context, options.psk_hint);
  }
}

static void use_raw_public_keys(SSL *ssl) {
#if OPENSSL_VERSION_NUMBER >= 0x30200000L
  static const unsigned char raw[] = {TLSEXT_cert_type_rpk};
  SSL_set1_client_cert_type(ssl, raw, sizeof raw);
  SSL_set1_server_cert_type(ssl, raw, sizeof raw);
  if (SSL_dane_enable(ssl, NULL) <= 0 || SSL_add_expected_rpk(ssl, peer_key) != 1) die("--raw-public-key refused");
#else
  (void)ssl;
  die("raw public keys need OpenSSL 3.2");
#endif
}

/* --- one association --- */

static void library_open(struct association *a) {
  SSL *ssl = a->ssl = SSL_new(context);
  BIO *bio = BIO_new(datagrams);
  BIO_set_data(bio, a);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, a);
  SSL_set_mtu(ssl, options.mtu > 0 ? options.mtu : 1400);
  if (options.peer_key != NULL) use_raw_public_keys(ssl);
  if (options.server) {
    SSL_set_accept_state(ssl);
    return;
  }
  SSL_set_connect_state(ssl);
  if (options.peer_key == NULL && options.ca != NULL) {
    SSL_set_tlsext_host_name(ssl, options.server_name);
    SSL_set1_host(ssl, options.server_name);
  }
  if (options.max_fragment > 0) {
    int code = 1;
    while (256 << code < options.max_fragment) code++;
    SSL_set_tlsext_max_fragment_length(ssl, code);
  }
  if (kept != NULL) SSL_set_session(ssl, kept);
}

static int failed(struct association *a, int result) {
  long verified = SSL_get_verify_result(a->ssl);
  const char *reason = ERR_reason_error_string(ERR_peek_last_error());
  if (reason == NULL) reason = SSL_get_error(a->ssl, result) == SSL_ERROR_SYSCALL ? "the connection ended" : "unknown";
  snprintf(a->reason, sizeof a->reason, "%s%s%s", reason, verified == X509_V_OK ? "" : ": ",
           verified == X509_V_OK ? "" : X509_verify_cert_error_string(verified));
  return -1;
}

static int library_cookie(struct association *a) {
  static BIO_ADDR *ignored;
  if (ignored == NULL) ignored = BIO_ADDR_new();
  ERR_clear_error();
  return DTLSv1_listen(a->ssl, ignored) == 1;
}

static int library_handshake(struct association *a) {
  ERR_clear_error();
  int result = SSL_do_handshake(a->ssl);
  if (result == 1) return 1;
  return SSL_get_error(a->ssl, result) == SSL_ERROR_WANT_READ ? 0 : failed(a, result);
}

static int library_read(struct association *a, uint8_t *buffer, size_t size) {
  ERR_clear_error();
  int result = SSL_read(a->ssl, buffer, (int)size);
  if (result > 0) return result;
  int error = SSL_get_error(a->ssl, result);
  if (error == SSL_ERROR_WANT_READ) return READ_NOTHING;
  if (error == SSL_ERROR_ZERO_RETURN) return READ_CLOSED;
  return failed(a, result), READ_FAILED;
}

static int library_write(struct association *a, const uint8_t *bytes, size_t length) {
  ERR_clear_error();
  int result = SSL_write(a->ssl, bytes, (int)length);
  return result > 0 ? result : failed(a, result);
}

static int library_timer(struct association *a) {
  struct timeval left;
  if (!DTLSv1_get_timeout(a->ssl, &left)) return -1;
  return (int)(left.tv_sec * 1000 + (left.tv_usec + 999) / 1000);
}

static int library_timeout(struct association *a) {
  ERR_clear_error();
  int result = (int)DTLSv1_handle_timeout(a->ssl);
  return result < 0 ? failed(a, result) : 0;
}

static const char *library_facts(struct association *a, int *cid, int *peer_cid, int *resumed) {
  *cid = *peer_cid = -1;
  *resumed = SSL_session_reused(a->ssl);
  return SSL_CIPHER_standard_name(SSL_get_current_cipher(a->ssl));
}

static int library_keep_session(struct association *a) {
  kept = SSL_get1_session(a->ssl);
  return kept != NULL && SSL_SESSION_is_resumable(kept);
}

static void library_close(struct association *a) { SSL_shutdown(a->ssl); }
static void library_free(struct association *a) { SSL_free(a->ssl); }

int main(int argc, char **argv) { return peer_main(argc, argv); }
