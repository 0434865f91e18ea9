/*
 * http_header.h - the head of an answer, line by line. Pure.
 */
#pragma once

#include "image/http.h"

/* One line as libcurl hands it over, with its line end. A status line begins a new head: an
 * interim answer's or a proxy's is forgotten. */
int http_header_line(struct http_response *response, const char *line, size_t len);
void http_response_free(struct http_response *response);
