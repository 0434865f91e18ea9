/*
 * token.h - what does the server say to the agent's token? The agent itself never tells: it tries
 * for ever on 401 and 403.
 *
 * One GET of /api/v2/workspaceagents/me/gitsshkey. Its body holds a private key: of a good answer
 * not a byte is looked at.
 */
#pragma once

#include <stddef.h>

#include "common/err.h"
#include "modules/coder-agent/http.h"

#define TOKEN_PATH "api/v2/workspaceagents/me/gitsshkey"

/* Puts one line for the status into `line`. 0, or a negative errno when the server could not be
 * asked; there is a line then, too. */
int token_probe(const struct http *http, const char *token, char *line, size_t size);
/* Pure: the line for an answer; `body` is the beginning of a refusal's. */
void token_judge(const struct answer *answer, const char *body, char *line, size_t size);
