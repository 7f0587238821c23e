/* TLS on the members' sockets, with OpenSSL where its headers were there. Every server gets the same version and cipher,
 * and any certificate is taken: there is nothing to keep secret. */
#include "generator.h"

#include <errno.h>
#include <sys/socket.h>

#ifdef TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>

static SSL_CTX *make_context(void)
{
    SSL_CTX *made = SSL_CTX_new(TLS_client_method());
    if (!made || !SSL_CTX_set_min_proto_version(made, TLS1_3_VERSION) ||
        !SSL_CTX_set_ciphersuites(made, "TLS_AES_256_GCM_SHA384"))
        quit(1, "TLS: %s", ERR_reason_error_string(ERR_peek_error()));
    SSL_CTX_set_mode(made, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(made, SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_read_ahead(made, 1); /* one recv for all that is there, not two a record */
    signal(SIGPIPE, SIG_IGN);        /* OpenSSL sends without MSG_NOSIGNAL */
    return made;
}

void tls_begin(struct connection *c)
{
    static SSL_CTX *context;
    if (!context)
        context = make_context();
    c->tls = SSL_new(context);
    if (!c->tls || !SSL_set_fd(c->tls, c->fd))
        quit(1, "there is no memory for the TLS of member %u", c->number);
    SSL_set_connect_state(c->tls);
}

/* What a system call would return. */
static ssize_t as_call(struct connection *c, int result)
{
    int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(c->tls, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
        errno = EAGAIN;
    else if (error == SSL_ERROR_SSL)
        quit(1, "TLS of member %u: %s", c->number, ERR_reason_error_string(ERR_peek_error()));
    return error == SSL_ERROR_ZERO_RETURN ? 0 : error == SSL_ERROR_NONE ? result : -1;
}

bool tls_shake_hands(struct connection *c)
{
    ERR_clear_error();
    ssize_t done = as_call(c, SSL_do_handshake(c->tls));
    if (done == 0 || (done < 0 && errno != EAGAIN))
        quit(1, "the server ended member %u's TLS handshake", c->number);
    return done > 0;
}

ssize_t tls_recv(struct connection *c, char *data, size_t size)
{
    ERR_clear_error();
    return as_call(c, SSL_read(c->tls, data, (int)size));
}

bool tls_has_more(struct connection *c)
{
    return SSL_has_pending(c->tls);
}

ssize_t tls_send(struct connection *c, const char *data, size_t size)
{
    ERR_clear_error();
    return as_call(c, SSL_write(c->tls, data, (int)size));
}

#else /* no member has TLS: only the first of these is called */

void tls_begin(struct connection *c)
{
    (void)c;
    quit(2, "--tls 1 takes a generator that was built with OpenSSL's headers (apt-get install libssl-dev)");
}

bool tls_shake_hands(struct connection *c)
{
    return c->tls;
}

ssize_t tls_recv(struct connection *c, char *data, size_t size)
{
    return recv(c->fd, data, size, 0);
}

bool tls_has_more(struct connection *c)
{
    return c->tls;
}

ssize_t tls_send(struct connection *c, const char *data, size_t size)
{
    return send(c->fd, data, size, MSG_NOSIGNAL);
}
#endif
