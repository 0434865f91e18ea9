#include "modules/coder-agent/url.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"

static void curlu_free(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void part_free(char **part)
{
	curl_free(*part);
}

#define _cleanup_curlu_ _cleanup_(curlu_free)
#define _cleanup_part_  _cleanup_(part_free)

static CURLU *url_parse(const char *text)
{
	CURLU *url = curl_url();

	if (url && curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK) {
		curl_url_cleanup(url);
		return NULL;
	}
	return url;
}

static bool scheme_known(const char *text)
{
	return strncasecmp(text, "http://", 7) == 0 || strncasecmp(text, "https://", 8) == 0;
}

int url_build(const char *base, const char *path, char **full, struct err *err)
{
	_cleanup_curlu_ CURLU *url = NULL;
	_cleanup_part_ char *prefix = NULL;
	_cleanup_part_ char *text = NULL;
	_cleanup_free_ char *joined = NULL;
	size_t len;

	*full = NULL;
	if (!scheme_known(base))
		return err_set(err, -EINVAL, "CODER_AGENT_URL must begin with http:// or https://");
	url = url_parse(base);
	if (!url || curl_url_get(url, CURLUPART_PATH, &prefix, 0) != CURLUE_OK)
		return err_set(err, -EINVAL, "CODER_AGENT_URL is no URL that can be asked");
	len = strlen(prefix);
	while (len > 0 && prefix[len - 1] == '/')
		len--;
	if (asprintf(&joined, "%.*s/%s", (int)len, prefix, path) < 0) {
		joined = NULL;
		return err_sys(err, -ENOMEM, "CODER_AGENT_URL");
	}
	if (curl_url_set(url, CURLUPART_PATH, joined, 0) != CURLUE_OK ||
	    curl_url_set(url, CURLUPART_QUERY, NULL, 0) != CURLUE_OK ||
	    curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_URL, &text, 0) != CURLUE_OK)
		return err_set(err, -EINVAL, "CODER_AGENT_URL is no URL that can be asked");
	*full = strdup(text);
	return *full ? 0 : err_sys(err, -ENOMEM, "CODER_AGENT_URL");
}

char *url_shown(const char *text)
{
	static const CURLUPart hidden[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
					   CURLUPART_QUERY, CURLUPART_FRAGMENT};
	_cleanup_curlu_ CURLU *url = url_parse(text);
	_cleanup_part_ char *shown = NULL;

	if (!url)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if (curl_url_set(url, hidden[i], NULL, 0) != CURLUE_OK)
			return NULL;
	if (curl_url_get(url, CURLUPART_URL, &shown, 0) != CURLUE_OK)
		return NULL;
	return strdup(shown);
}

bool url_same_origin(const char *a, const char *b)
{
	static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
	_cleanup_curlu_ CURLU *ua = url_parse(a);
	_cleanup_curlu_ CURLU *ub = url_parse(b);

	if (!ua || !ub)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		_cleanup_part_ char *pa = NULL;
		_cleanup_part_ char *pb = NULL;

		if (curl_url_get(ua, parts[i], &pa, CURLU_DEFAULT_PORT) != CURLUE_OK ||
		    curl_url_get(ub, parts[i], &pb, CURLU_DEFAULT_PORT) != CURLUE_OK ||
		    strcasecmp(pa, pb) != 0)
			return false;
	}
	return true;
}

int url_check_redirect(const char *from, const char *to, struct err *err)
{
	if (!scheme_known(to))
		return err_set(err, -EPROTO, "it redirects to what is neither http nor https");
	if (strncasecmp(from, "https:", 6) == 0 && strncasecmp(to, "https:", 6) != 0)
		return err_set(err, -EPROTO, "it redirects from https to http: not followed");
	return 0;
}
