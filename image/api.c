/*
 * api.c - calls by REST, with a token of the API.
 *
 * A certificate of Proxmox is usually signed by nobody known: it is checked against the CA that was
 * given, or the whole certificate against its fingerprint, and never not at all. The token goes
 * into a header, to this one host; redirects are not followed.
 */
#include <curl/curl.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "image/file.h"
#include "image/proxmox.h"
#include "image/text.h"

#define CALL_SECONDS   120L
#define PRINT_BYTES    32
#define SENTENCE_MAX   320
#define TOKEN_FILE_MAX 4096

struct api {
	CURL *curl;
	struct curl_slist *headers;
	char base[300]; /* https://host:port/api2/json */
	unsigned char print[PRINT_BYTES];
	bool pinned, print_differs;
	char sentence[SENTENCE_MAX]; /* the reason phrase */
	char *body;
	size_t len;
};

static size_t keep_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct api *api = arg;
	char *grown;

	n *= size;
	if (n > PROXMOX_ANSWER_MAX - api->len)
		return 0;
	grown = realloc(api->body, api->len + n + 1);
	if (!grown)
		return 0;
	api->body = grown;
	memcpy(api->body + api->len, bytes, n);
	api->len += n;
	api->body[api->len] = '\0';
	return n;
}

/* "HTTP/1.1 403 Permission check failed (…)": the phrase is where Proxmox says why. */
static size_t keep_phrase(char *line, size_t size, size_t n, void *arg)
{
	struct api *api = arg;
	const char *space;

	n *= size;
	if (n < 5 || memcmp(line, "HTTP/", 5) != 0)
		return n;
	api->sentence[0] = '\0';
	space = memchr(line, ' ', n);
	space = space ? memchr(space + 1, ' ', n - (size_t)(space + 1 - line)) : NULL;
	if (space) {
		size_t len = n - (size_t)(space + 1 - line);

		while (len && (space[len] == '\r' || space[len] == '\n'))
			len--;
		text_quote(api->sentence, sizeof(api->sentence), space + 1, len);
	}
	return n;
}

static int watch(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
	const struct proxmox *proxmox = arg;

	return proxmox->cancelled && proxmox->cancelled(proxmox->arg);
}

/* Takes the place of OpenSSL's own check: the certificate must be this one. */
static int check_print(X509_STORE_CTX *store, void *arg)
{
	struct api *api = arg;
	const X509 *cert = X509_STORE_CTX_get0_cert(store);
	unsigned char print[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	api->print_differs = !cert || X509_digest(cert, EVP_sha256(), print, &len) != 1 ||
			     len != PRINT_BYTES || memcmp(print, api->print, PRINT_BYTES) != 0;
	X509_STORE_CTX_set_error(store, api->print_differs ? X509_V_ERR_CERT_REJECTED : X509_V_OK);
	return !api->print_differs;
}

static CURLcode pin(CURL *curl, void *ctx, void *arg)
{
	SSL_CTX_set_cert_verify_callback(ctx, check_print, arg);
	return CURLE_OK;
}

static int read_print(struct api *api, const char *text, struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	for (; *text; text++) {
		char lower[2] = {*text, 0};
		const char *at;

		if (*text == ':')
			continue;
		text_lower(lower);
		at = strchr(digits, lower[0]);
		if (!at || n >= 2 * (size_t)PRINT_BYTES)
			break;
		api->print[n / 2] = (unsigned char)(api->print[n / 2] << 4 | (at - digits));
		n++;
	}
	if (*text || n != 2 * (size_t)PRINT_BYTES)
		return err_set(err, -EINVAL,
			       "--fingerprint is the SHA-256 of the certificate: 32 bytes in hex, "
			       "with colons or without");
	api->pinned = true;
	return 0;
}

static int read_token(const struct options *options, char **token, struct err *err)
{
	size_t len = 0;
	int r;

	*token = NULL;
	if (options->api_token_file) {
		r = file_read(options->api_token_file, TOKEN_FILE_MAX, token, &len, err);
		if (r < 0)
			return r;
	} else if (options->api_token) {
		*token = strdup(options->api_token);
	} else {
		return err_set(err, -EINVAL,
			       "the API wants a token: put USER@REALM!ID=SECRET into "
			       "PVE_API_TOKEN, or give --api-token-file");
	}
	if (!*token)
		return err_set(err, -ENOMEM, "out of memory");
	(*token)[strcspn(*token, "\r\n")] = '\0';
	if (!strchr(*token, '@') || !strchr(*token, '!') || !strchr(*token, '=')) {
		explicit_bzero(*token, strlen(*token));
		free(steal_ptr(token));
		return err_set(err, -EINVAL, "the token of the API is USER@REALM!ID=SECRET");
	}
	return 0;
}

static int make_base(struct api *api, const char *host, struct err *err)
{
	const char *last;
	size_t len;

	if (strncmp(host, "https://", 8) == 0)
		host += 8;
	len = strcspn(host, "/");
	last = memchr(host, ']', len);
	if (len == 0 || len > 255 || host[len + strspn(host + len, "/")] != '\0' ||
	    strcspn(host, "@?#\\ %") < len)
		return err_set(err, -EINVAL,
			       "--api is a host, with a port or without: pve.lan:8006");
	snprintf(api->base, sizeof(api->base), "https://%.*s%s/api2/json", (int)len, host,
		 memchr(last ? last : host, ':', last ? len - (size_t)(last - host) : len)
			 ? ""
			 : ":8006");
	return 0;
}

static int add_header(struct api *api, const char *token)
{
	char *header = NULL;
	struct curl_slist *grown;

	if (asprintf(&header, "Authorization: PVEAPIToken=%s", token) < 0)
		return -ENOMEM;
	grown = curl_slist_append(api->headers, header);
	explicit_bzero(header, strlen(header));
	free(header);
	if (!grown)
		return -ENOMEM;
	api->headers = grown;
	/* Large forms: no waiting for "100 Continue", which pveproxy does not send. */
	grown = curl_slist_append(api->headers, "Expect:");
	api->headers = grown ? grown : api->headers;
	return grown ? 0 : -ENOMEM;
}

int api_open(struct proxmox *proxmox, struct err *err)
{
	const struct options *options = proxmox->options;
	_cleanup_free_ char *token = NULL;
	struct api *api;
	int r;

	if (!options->api)
		return err_set(err, -EINVAL, "this way needs --api HOST");
	api = proxmox->api = calloc(1, sizeof(*api));
	if (!api)
		return err_set(err, -ENOMEM, "out of memory");
	r = make_base(api, options->api, err);
	if (r == 0 && options->fingerprint)
		r = read_print(api, options->fingerprint, err);
	if (r == 0)
		r = read_token(options, &token, err);
	if (r < 0 || !token)
		return r;
	api->curl = curl_easy_init();
	r = api->curl ? add_header(api, token) : -ENOMEM;
	explicit_bzero(token, strlen(token));
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

void api_close(struct proxmox *proxmox)
{
	struct api *api = proxmox->api;

	for (struct curl_slist *h = api->headers; h; h = h->next)
		explicit_bzero(h->data, strlen(h->data));
	curl_slist_free_all(api->headers);
	curl_easy_cleanup(api->curl);
	free(api->body);
	free(api);
	proxmox->api = NULL;
}

static void prepare(struct proxmox *proxmox, const char *url)
{
	struct api *api = proxmox->api;
	const struct options *options = proxmox->options;

	free(steal_ptr(&api->body));
	api->len = 0;
	api->sentence[0] = '\0';
	api->print_differs = false;
	curl_easy_reset(api->curl);
	curl_easy_setopt(api->curl, CURLOPT_URL, url);
	curl_easy_setopt(api->curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(api->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(api->curl, CURLOPT_HTTPHEADER, api->headers);
	curl_easy_setopt(api->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(api->curl, CURLOPT_USERAGENT, "hakim/" HAKIM_VERSION);
	curl_easy_setopt(api->curl, CURLOPT_WRITEFUNCTION, keep_body);
	curl_easy_setopt(api->curl, CURLOPT_WRITEDATA, api);
	curl_easy_setopt(api->curl, CURLOPT_HEADERFUNCTION, keep_phrase);
	curl_easy_setopt(api->curl, CURLOPT_HEADERDATA, api);
	curl_easy_setopt(api->curl, CURLOPT_CONNECTTIMEOUT, 15L);
	curl_easy_setopt(api->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(api->curl, CURLOPT_LOW_SPEED_TIME, (long)options->stall_timeout);
	curl_easy_setopt(api->curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(api->curl, CURLOPT_XFERINFOFUNCTION, watch);
	curl_easy_setopt(api->curl, CURLOPT_XFERINFODATA, proxmox);
	if (options->api_cacert)
		curl_easy_setopt(api->curl, CURLOPT_CAINFO, options->api_cacert);
	if (api->pinned) {
		curl_easy_setopt(api->curl, CURLOPT_SSL_CTX_FUNCTION, pin);
		curl_easy_setopt(api->curl, CURLOPT_SSL_CTX_DATA, api);
		/* The certificate itself is known: its name says no more. */
		curl_easy_setopt(api->curl, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static int failed(const struct api *api, CURLcode code, struct err *err)
{
	const char *host = api->base + strlen("https://");
	int len = (int)strcspn(host, "/");

	if (api->print_differs)
		return err_set(err, -EKEYREJECTED,
			       "the certificate of %.*s is not the one of --fingerprint", len,
			       host);
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return err_set(err, -EKEYREJECTED,
			       "the certificate of %.*s is not trusted (%s): give --api-cacert "
			       "(/etc/pve/pve-root-ca.pem of a node) or --fingerprint",
			       len, host, curl_easy_strerror(code));
	case CURLE_ABORTED_BY_CALLBACK:
		return err_set(err, -ECANCELED, "interrupted");
	case CURLE_WRITE_ERROR:
		return err_set(err, -EPROTO, "the answer of %.*s is too long", len, host);
	case CURLE_OPERATION_TIMEDOUT:
		return err_set(err, -ETIMEDOUT, "%.*s does not answer in time", len, host);
	default:
		return err_set(err, -ENETUNREACH, "cannot speak to %.*s: %s", len, host,
			       curl_easy_strerror(code));
	}
}

/* "message", and what "errors" has of each parameter. */
static void add_reasons(struct api *api, const json_t *body)
{
	const char *message = json_string_value(json_object_get(body, "message"));
	const char *key = NULL;
	json_t *errors = json_object_get(body, "errors"), *value;

	if (message && !*api->sentence)
		text_quote(api->sentence, sizeof(api->sentence), message, strcspn(message, "\n"));
	json_object_foreach(errors, key, value)
	{
		size_t len = strlen(api->sentence);
		const char *text = json_string_value(value);

		if (text && len + 8 < sizeof(api->sentence)) {
			char more[SENTENCE_MAX];

			snprintf(more, sizeof(more), "%s%s: %s", len ? "; " : "", key, text);
			text_quote(api->sentence + len, sizeof(api->sentence) - len, more,
				   strcspn(more, "\n"));
		}
	}
}

static int answer(struct api *api, const struct proxmox_call *call, json_t **data, struct err *err)
{
	_cleanup_(proxmox_drop) json_t *body = NULL;
	json_error_t why;
	long status = 0;

	curl_easy_getinfo(api->curl, CURLINFO_RESPONSE_CODE, &status);
	body = json_loadb(api->body ? api->body : "", api->len, JSON_REJECT_DUPLICATES, &why);
	if (status / 100 != 2) {
		add_reasons(api, body);
		return proxmox_refused(call, status, api->sentence, err);
	}
	if (!json_is_object(body))
		return err_set(err, -EPROTO, "this is no API of Proxmox: its answer is no JSON");
	*data = json_incref(json_object_get(body, "data"));
	if (json_is_null(*data))
		*data = NULL;
	return 0;
}

/* "key=value&…", to be freed; NULL for a lack of memory. */
static char *form(CURL *curl, const char *const *params)
{
	_cleanup_free_ char *text = strdup("");

	for (; text && params && params[0]; params += 2) {
		char *value = curl_easy_escape(curl, params[1], 0), *longer = NULL;

		if (!value ||
		    asprintf(&longer, "%s%s%s=%s", text, *text ? "&" : "", params[0], value) < 0)
			longer = NULL;
		curl_free(value);
		free(text);
		text = longer;
	}
	return steal_ptr(&text);
}

static char *make_url(const struct api *api, const struct proxmox_call *call, const char *query)
{
	char *url = NULL, *escaped = NULL;
	const char *behind = "";

	if (call->name) {
		/* "…/status" and "…/log" behind a UPID are parts of the path. */
		size_t len = strncmp(call->name, "UPID:", 5) == 0 ? strcspn(call->name, "/")
								  : strlen(call->name);

		behind = call->name + len;
		escaped = curl_easy_escape(api->curl, call->name, (int)len);
		if (!escaped)
			return NULL;
	}
	if (asprintf(&url, "%s%s%s%s%s%s%s", api->base, call->path, escaped ? "/" : "",
		     escaped ? escaped : "", behind, *query ? "?" : "", query) < 0)
		url = NULL;
	curl_free(escaped);
	return url;
}

int api_call(struct proxmox *proxmox, const struct proxmox_call *call, json_t **data,
	     struct err *err)
{
	struct api *api = proxmox->api;
	_cleanup_free_ char *words = form(api->curl, call->params), *url = NULL;
	CURLcode code;

	if (words)
		url = make_url(api, call, call->verb == PROXMOX_CREATE ? "" : words);
	if (!url)
		return err_set(err, -ENOMEM, "out of memory");
	prepare(proxmox, url);
	curl_easy_setopt(api->curl, CURLOPT_TIMEOUT, CALL_SECONDS);
	if (call->verb == PROXMOX_CREATE)
		curl_easy_setopt(api->curl, CURLOPT_POSTFIELDS, words);
	if (call->verb == PROXMOX_DELETE)
		curl_easy_setopt(api->curl, CURLOPT_CUSTOMREQUEST, "DELETE");
	code = curl_easy_perform(api->curl);
	return code ? failed(api, code, err) : answer(api, call, data, err);
}

int api_upload(struct proxmox *proxmox, const struct proxmox_call *call, const char *path,
	       const char *name, const char *sha256, json_t **data, struct err *err)
{
	struct api *api = proxmox->api;
	_cleanup_free_ char *url = make_url(api, call, "");
	const char *const fields[][2] = {
		{"content", "vztmpl"}, {"checksum-algorithm", "sha256"}, {"checksum", sha256}};
	curl_mimepart *part;
	curl_mime *mime;
	CURLcode code;

	if (!url)
		return err_set(err, -ENOMEM, "out of memory");
	prepare(proxmox, url);
	mime = curl_mime_init(api->curl);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		part = curl_mime_addpart(mime);
		curl_mime_name(part, fields[i][0]);
		curl_mime_data(part, fields[i][1], CURL_ZERO_TERMINATED);
	}
	/* The file is the last part: Proxmox reads the others out of what comes before it. */
	part = curl_mime_addpart(mime);
	curl_mime_name(part, "filename");
	code = curl_mime_filedata(part, path);
	if (code == CURLE_OK) {
		curl_mime_filename(part, name);
		curl_mime_type(part, "application/x-tar");
		curl_easy_setopt(api->curl, CURLOPT_MIMEPOST, mime);
		curl_easy_setopt(api->curl, CURLOPT_MAX_SEND_SPEED_LARGE,
				 (curl_off_t)proxmox->options->limit_rate);
		code = curl_easy_perform(api->curl);
	}
	curl_mime_free(mime);
	return code ? failed(api, code, err) : answer(api, call, data, err);
}
