/*
 * http_error.c - what libcurl's codes are to a person: the network, TLS, or an answer that is none.
 */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/http_curl.h"
#include "image/text.h"

static const struct {
	CURLcode code;
	int error;
	bool transient;
	const char *text;
} rows[] = {
	{CURLE_COULDNT_RESOLVE_HOST, -ENETUNREACH, true,
	 "there is no such host, or no name service"},
	{CURLE_COULDNT_RESOLVE_PROXY, -ENETUNREACH, true, "there is no such proxy"},
	{CURLE_COULDNT_CONNECT, -ENETUNREACH, true, "cannot connect"},
	{CURLE_OPERATION_TIMEDOUT, -ENETUNREACH, true, "it has stalled: no answer in time"},
	{CURLE_SEND_ERROR, -ENETUNREACH, true, "the connection was cut"},
	{CURLE_RECV_ERROR, -ENETUNREACH, true, "the connection was cut"},
	{CURLE_GOT_NOTHING, -ENETUNREACH, true, "the connection was closed without an answer"},
	{CURLE_PARTIAL_FILE, -ENETUNREACH, true, "the connection was cut before the end"},
	{CURLE_PEER_FAILED_VERIFICATION, -EKEYREJECTED, false,
	 "its TLS certificate is not trusted: give its CA by --cacert, or --tls-verify=false"},
	{CURLE_SSL_CACERT_BADFILE, -EKEYREJECTED, false,
	 "the file of trusted certificates is no good"},
	/* Also a connection that was reset within the handshake: libcurl does not tell which. */
	{CURLE_SSL_CONNECT_ERROR, -EKEYREJECTED, true,
	 "TLS fails: a registry that speaks plain HTTP needs --plain-http"},
	{CURLE_SSL_CERTPROBLEM, -EKEYREJECTED, false, "the client's certificate is no good"},
	{CURLE_SSL_CIPHER, -EKEYREJECTED, false, "TLS fails: no common cipher"},
	{CURLE_SSL_ISSUER_ERROR, -EKEYREJECTED, false,
	 "TLS fails: the issuer is not the right one"},
	{CURLE_OUT_OF_MEMORY, -ENOMEM, false, "no memory"},
};

int http_error(struct http_request *request, CURLcode code, const char *detail)
{
	struct url url;
	char quoted[200];
	int error = -EPROTO;
	const char *text = "it does not answer as a registry does";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].code == code) {
			error = rows[i].error;
			text = rows[i].text;
			request->transient = rows[i].transient;
		}
	if (!*detail)
		detail = curl_easy_strerror(code);
	/* The host, and not the address: a signed one is a secret. */
	url_read(request->transfer->url, &url, NULL);
	return err_set(&request->err, error, "%s: %s (%s)", url.host, text,
		       text_quote(quoted, sizeof(quoted), detail, strlen(detail)));
}
