/*
 * Answers of what a service is asked by Ready…= and Health…=: parts are the good statuses, the
 * pattern of the body, and the bytes of the answer, which come one by one, too.
 */
#include <string.h>

#include "supervisor/probe_target.h"
#include "tests/fuzz/fuzz.h"

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

FUZZ_TARGET(http)
{
	char *statuses = fuzz_next_text(&text, &len);
	char *body = fuzz_next_text(&text, &len);
	struct probe_target *target = NULL;
	enum probe_answer answer = ANSWER_MORE, whole;
	struct err err;
	int status;

	statuses[strcspn(statuses, "\n")] = '\0';
	body[strcspn(body, "\n")] = '\0';
	if (strlen(body) < 80 && probe_target_http("http://127.0.0.1:80/x", or_null(statuses),
						   or_null(body), &target, &err) >= 0) {
		whole = probe_answer_judge(target, text, len, true, &status);
		FUZZ_MUST(status == 0 || (status >= STATUS_MIN && status <= STATUS_MAX));
		for (size_t n = 0; n <= len && n < 600; n++) {
			/* libasan's regexec() looks for a NUL, whatever REG_STARTEND says. */
			char *bytes = strndup(text, n);

			FUZZ_MUST(bytes);
			answer = probe_answer_judge(target, bytes, strlen(bytes), false, &status);
			free(bytes);
			/* What was judged by a part of it stays so. */
			if (answer != ANSWER_MORE)
				break;
		}
		if (!target->body && answer != ANSWER_MORE && !memchr(text, '\0', len))
			FUZZ_MUST(answer == whole);
		probe_target_free(target);
	}
	free(statuses);
	free(body);
}
